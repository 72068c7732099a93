"""Redirects of a feed on the web into loopback, link-local and private networks.

Played in a network namespace of its own, where those addresses are this machine's loopback: nothing
leaves it, and who is asked at them is seen.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.attack.hosting import counted
from tests.attack.registry import NotPlayedError, attack, hold
from tests.attack.running import System

PORT: Final = 8080
PUBLIC, OTHER = "1.2.3.4", "5.6.7.8"  # in this namespace nobody's but ours
PRIVATE = "10.1.2.3"
ADDRESSES: Final = (
    PUBLIC,
    OTHER,
    PRIVATE,
    "169.254.169.254",
    "172.16.1.1",
    "192.168.1.1",
    "100.64.0.1",
)
HOSTS: Final = f"127.0.0.1 localhost\n{PRIVATE} inside.example\n127.0.0.1 rebound.example\n{OTHER} out.example\n"  # fmt: skip
INWARD: Final = {
    "loopback": f"http://127.0.0.1:{PORT}", "localhost": f"http://localhost:{PORT}",
    "other-loopback": f"http://127.9.9.9:{PORT}", "zero": f"http://0.0.0.0:{PORT}",
    "decimal": f"http://2130706433:{PORT}", "short": f"http://127.1:{PORT}",
    "mapped": f"http://[::ffff:127.0.0.1]:{PORT}", "link-local": f"http://169.254.169.254:{PORT}",
    "ten": f"http://{PRIVATE}:{PORT}", "seventeen-two": f"http://172.16.1.1:{PORT}",
    "nineteen-two": f"http://192.168.1.1:{PORT}", "carrier": f"http://100.64.0.1:{PORT}",
    "by-name": f"http://inside.example:{PORT}", "rebound": f"http://rebound.example:{PORT}",
}  # fmt: skip
_NEWUSER, _NEWNET, _NEWNS = 0x10000000, 0x40000000, 0x00020000


def apart(base: Path) -> None:
    """Go into namespaces of our own, with the addresses and names of the play."""
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NEWUSER | _NEWNET | _NEWNS):
        raise NotPlayedError(f"no namespaces here: {os.strerror(ctypes.get_errno())}")
    (base / "hosts").write_text(HOSTS)
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        for words in (
            "ip link set lo up",
            *(f"ip addr add {address}/32 dev lo" for address in ADDRESSES),
            f"mount --bind {base / 'hosts'} /etc/hosts",
        ):
            subprocess.run(words.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as lacking:
        raise NotPlayedError(f"no network of our own here: {lacking}") from None


@contextmanager
def asked() -> Iterator[list[tuple[str, str]]]:
    """Serve on all addresses; collect (address that was asked, path)."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.connection.getsockname()[0], self.path))
            first, *rest = self.path.strip("/").split("/")
            if first == "to":
                name = rest[0]
                self.send_response(302)
                self.send_header("Location", f"{TARGETS[name]}/end/{name}")
                self.end_headers()
                return
            body = counted(1, f"Reached {rest[0]}")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("0.0.0.0", PORT), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()


# What is asked for first, and leads to each target.
TARGETS: Final = {
    **INWARD,
    "outward": f"http://{OTHER}:{PORT}",
    "out-name": f"http://out.example:{PORT}",
}


def _feed(name: str, host: str, path: str) -> str:
    return f'[[feeds]]\nname = "{name}"\nurl = "http://{host}:{PORT}{path}"\ninterval_s = 5\n'


def _told(base: Path, tables: str, wanted: set[str], paths: set[str]) -> list[tuple[str, str]]:
    """Run over the feeds until all paths were asked for; return who was asked for what."""
    with asked() as seen:
        system = System(base, tables)
        with system.run() as run:
            run.up()
            run.until(
                lambda: paths <= {path for _, path in seen}, 60, "not all feeds are asked for"
            )
            for name in wanted:
                run.until(lambda name=name: any(x.startswith(f"Reached {name}") for x in system.titles()), 30, f"{name} is refused")  # fmt: skip
            run.answers()
            run.answers()
            run.ends()
        return seen


@attack("low", "none of them is connected to; a redirect on the web is followed", limit_s=120, ci=True)  # fmt: skip
def into_networks_of_our_own(base: Path) -> None:
    """From 1.2.3.4 to each, by address, by odd spelling, by a name that leads there."""
    apart(base)
    tables = "".join(_feed(name, PUBLIC, f"/to/{name}") for name in TARGETS)
    paths = {f"/to/{name}" for name in TARGETS}
    seen = _told(base, tables, {"outward", "out-name"}, paths)
    reached = sorted({path.rpartition("/")[2] for _, path in seen if path.startswith("/end/")} & set(INWARD))  # fmt: skip
    hold(not reached, f"{len(reached)} of {len(INWARD)} reached: {', '.join(reached)}")


@attack("low", "a feed that is itself configured there is read, and its redirects there are followed", limit_s=120)  # fmt: skip
def from_a_network_of_our_own(base: Path) -> None:
    """A feed on loopback, and one in a private network, each with a redirect to itself."""
    apart(base)
    tables = _feed("l", "127.0.0.1", "/to/loopback") + _feed("p", PRIVATE, "/to/ten")
    _told(base, tables, {"loopback", "ten"}, {"/to/loopback", "/to/ten"})


@attack("low", "a feed of a private network does not lead into loopback or link-local", limit_s=120)
def from_one_network_into_another(base: Path) -> None:
    """From 10.1.2.3 to 127.0.0.1 and to 169.254.169.254."""
    apart(base)
    names = ("loopback", "link-local")
    tables = "".join(_feed(name, PRIVATE, f"/to/{name}") for name in names)
    seen = _told(base, tables, set(), {f"/to/{name}" for name in names})
    reached = sorted(path.rpartition("/")[2] for _, path in seen if path.startswith("/end/"))
    hold(not reached, f"reached: {', '.join(reached)}")
