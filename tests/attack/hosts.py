"""Requests under other names than this machine's, or under none that can be read."""

from __future__ import annotations

from pathlib import Path

from tests.attack.connections import got, spoken
from tests.attack.registry import attack, hold
from tests.attack.running import System, free_port, inbox, posted
from tests.ingest.newsroom import release

BAD = (b"127.0.0.1:99999", b"127.0.0.1:x", b"\xff\xfe", b"[::1", b"a b", b"\x1b[31m", b"[::1]:-1", b"127.0.0.1:0x50")  # fmt: skip
ASKED = b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


@attack("low", "400 with our headers, and no traceback", limit_s=60)
def host_that_is_none_at_the_page(base: Path) -> None:
    """Ports out of range, bytes, brackets."""
    port = free_port()
    system = System(base, f"[web]\nport = {port}\n")
    wrong = []
    with system.run() as run:
        run.up()
        run.until(lambda: got(port), 20, "the page does not answer")
        for host in BAD:
            for path in (b"/", b"/healthz", b"/api/headlines"):
                answer = spoken(port, ASKED % (path, host))
                head = answer.partition(b"\r\n\r\n")[0].lower()
                if b" 400" not in head[:14] or b"x-content-type-options" not in head:
                    wrong.append(f"{host!r} at {path.decode()}: {head[:32]!r}")
        run.is_quiet()
        run.ends()
    hold(not wrong, f"{len(wrong)} of {3 * len(BAD)}: {wrong[0] if wrong else ''}")


@attack("low", "`/metrics` is refused under a foreign name", limit_s=60, ci=True)
def foreign_host_at_the_metrics(base: Path) -> None:
    """As DNS rebinding would have it."""
    port = free_port()
    system = System(base, f"[metrics]\nport = {port}\n")
    with system.run() as run:
        run.up()
        run.until(lambda: b" 200 " in got(port, "/metrics"), 20, "no scrape is answered")
        answer = got(port, "/metrics", host="evil.example")
        run.ends()
    hold(b"newsquake_" not in answer, f"answered: {answer[:15]!r}")


@attack("low", "a post is refused under a foreign name, and not kept", limit_s=60)
def foreign_host_at_the_inbox(base: Path) -> None:
    """The same, with a document."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        status, _ = posted(port, release("Rebound", "1"), Host="evil.example")
        run.answers()
        hold("Rebound" not in system.titles(), f"it was taken: {status}")
        run.ends()
    hold(400 <= status < 500, f"answered {status}")


@attack("held before", "refused, and not kept", limit_s=60)
def page_elsewhere_posts(base: Path) -> None:
    """A browser's post from another page, and a form's."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port}"):
            status, _ = posted(port, release("Forged", origin), Origin=origin)
            hold(status == 403, f"Origin {origin}: {status}")
        run.answers()
        hold("Forged" not in system.titles(), "it was taken")
        run.ends()
