"""Connections that are opened and say nothing, or say it slowly, to each server of a run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.attack.registry import attack, hold
from tests.attack.running import Run, System, free_port, inbox, posted, until
from tests.ingest.newsroom import release

FILES = 256
IDLE = 300
CHECKPOINTS_S = 6  # some of them come in that time
GOES_ON = "the run goes on over its checkpoints, whoever comes then is answered"


@contextmanager
def idling(port: int, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """Hold so many connections open that have said so much."""
    held = []
    try:
        for _ in range(count):
            with suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=1))
                held[-1].sendall(said)
        yield held
    finally:
        for each in held:
            each.close()


def got(port: int, path: str = "/", host: str = "127.0.0.1", within_s: float = 5.0) -> bytes:
    """Return the whole answer to a GET, b"" where there is none."""
    return spoken(port, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), within_s)  # fmt: skip


def spoken(port: int, said: bytes, within_s: float = 5.0) -> bytes:
    """Say bytes to a port and return all that comes back."""
    answer = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=within_s) as one:
        one.sendall(said)
        while part := one.recv(65_536):
            answer += part
    return answer


def _passes_checkpoints(system: System, run: Run) -> None:
    """Hold that the checkpoints of several seconds pass, with headlines between."""
    path = next(system.home.glob("????-??-??/outputs/checkpoint"))
    stamps = set()

    def saved() -> bool:
        with suppress(FileNotFoundError):
            stamps.add(path.stat().st_mtime_ns)
        return len(stamps) > CHECKPOINTS_S // 2

    run.until(saved, 40, "no checkpoint follows")
    run.answers(20)


def _idle(base: Path, tables: str, port: int, said: bytes) -> None:
    """Open 300 connections under `ulimit -n 256`; then ask for the page of each server."""
    system = System(base, tables)
    with system.run(files=FILES) as run:
        run.up()
        run.until(lambda: _connects(port), 20, "it does not listen")
        with idling(port, IDLE, said):
            _passes_checkpoints(system, run)
            until(lambda: got(port), 25, "nobody else is answered while they idle")
        run.ends()


def _connects(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@attack(9, GOES_ON, limit_s=120, ci=True)
def three_hundred_idle_at_the_page(base: Path) -> None:
    """`[web]`, nothing said."""
    port = free_port()
    _idle(base, f"[web]\nport = {port}\n", port, b"")


@attack(9, GOES_ON, limit_s=120)
def three_hundred_idle_at_the_inbox(base: Path) -> None:
    """`[inbox]`, half a request said."""
    port = free_port()
    _idle(base, inbox(port), port, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n")


@attack(9, GOES_ON, limit_s=120)
def three_hundred_idle_at_the_metrics(base: Path) -> None:
    """`[metrics]`, nothing said."""
    port = free_port()
    _idle(base, f"[metrics]\nport = {port}\n", port, b"")


@attack(9, "the first request has ten seconds: then the connection is closed", limit_s=90)
def first_request_without_end(base: Path) -> None:
    """A byte of a head, and no more, at each server."""
    ports = {name: free_port() for name in ("web", "inbox", "metrics")}
    tables = f"{inbox(ports['inbox'])}[web]\nport = {ports['web']}\n[metrics]\nport = {ports['metrics']}\n"  # fmt: skip
    system = System(base, tables)
    with system.run() as run:
        run.up()
        for port in ports.values():
            run.until(lambda port=port: _connects(port), 20, "it does not listen")
        open_: dict[str, socket.socket] = {}
        for name, port in ports.items():
            open_[name] = socket.create_connection(("127.0.0.1", port))
            open_[name].sendall(b"G")
            open_[name].setblocking(False)
        until(lambda: _all_closed(open_), 20, f"open after 20 s: {', '.join(sorted(open_))}")
        run.ends()


def _all_closed(open_: dict[str, socket.socket]) -> bool:
    for name, one in [*open_.items()]:
        with suppress(BlockingIOError):
            try:
                while one.recv(4096):
                    pass
            except ConnectionError:
                pass
            one.close()
            del open_[name]
    return not open_


@attack("low", "a small document is taken within 10 s", limit_s=90)
def slow_bodies_into_the_inbox(base: Path) -> None:
    """Forty posts whose bodies trickle."""
    port = free_port()
    system = System(base, inbox(port))
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{"
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        with idling(port, 40, head):
            small = release("Small words", "small")
            until(lambda: posted(port, small, 5.0)[0] == 202, 10, "others are locked out")
        run.ends()


@attack("low", "no more than 32 threads more; a scrape is answered once they are gone", limit_s=90)  # fmt: skip
def metrics_asked_by_thousands(base: Path) -> None:
    """500 connections to `/metrics` that say half a request."""
    port = free_port()
    system = System(base, f"[metrics]\nport = {port}\n")
    with system.run() as run:
        run.up()
        run.until(lambda: got(port, "/metrics"), 20, "no scrape is answered")
        before = _threads(run)
        with idling(port, 500, b"GET /metrics HTTP/1.1\r\n") as held:
            threads = _threads(run) - before
        until(lambda: got(port, "/metrics"), 25, "no scrape is answered afterwards")
        run.ends()
    hold(threads <= 32, f"{threads} more threads for {len(held)} connections")


def _threads(run: Run) -> int:
    return len([*Path(f"/proc/{run.process.pid}/task").iterdir()])
