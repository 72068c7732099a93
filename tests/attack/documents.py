"""Documents that are too many, too deep, too wide or not what they say, from feeds and into the inbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from streams.events import Headline, Reject
from tests.attack.hosting import counted, feeds, hosted, rising
from tests.attack.registry import BrokenError, attack, hold
from tests.attack.running import Run, System, free_port, inbox, posted
from tests.http.misbehaving import (
    PAGE,
    Answer,
    bomb,
    document,
    dripping,
    gzipped,
    never,
    raw,
    reset,
    response,
    zipped,
)

GAP_S = 5
NEAR_S = 25.0  # a feed's first poll comes within its interval, and a slow machine has its turn
ITEMS = 48_000


def _clocked(system: System) -> None:
    hold(system.clock_gap_s() <= GAP_S, f"no Clock for {system.clock_gap_s()} s")


def _while_taken(system: System, run: Run, feed: str, within_s: float = 90.0) -> None:
    """Write headlines until a document of many items is through; none waits, no Clock is late."""
    end_s, slowest_s = time.monotonic() + within_s, 0.0
    while time.monotonic() < end_s:
        slowest_s = max(slowest_s, run.answers(60))
        told = [x for x in system.records() if isinstance(x, Headline) and x.feed == feed]
        named = {x.reason for x in system.records() if isinstance(x, Reject)} - {"not_a_feed"}
        if len(told) == ITEMS or (told and any(x.startswith("too") for x in named)):
            break
    else:
        raise BrokenError(f"{len(told):,} of {ITEMS:,} items in {within_s:.0f} s, and no reject says why")  # fmt: skip
    run.ends()
    hold(slowest_s <= 12, f"a headline took {slowest_s:.0f} s")
    _clocked(system)


MANY = (
    "Clocks no more than 5 s apart, a headline is taken in within 12 s; what is left out is named"
)


@attack(4, MANY, limit_s=220)
def document_of_48000_items(base: Path) -> None:
    """Some 3 MB of RSS, 150 KB gzipped, from a feed."""
    with hosted({"/many": zipped(counted(ITEMS, "Alibaba up"))}) as server:
        system = System(base, feeds(server, many="127.0.0.1"))
        with system.run() as run:
            run.up()
            run.until(lambda: server.asked, NEAR_S, "the feed is not asked for")
            _while_taken(system, run, "many", 150)


@attack(4, MANY, limit_s=220)
def posted_document_of_48000_items(base: Path) -> None:
    """The same as ninjs into the inbox."""
    port = free_port()
    system = System(base, inbox(port))
    rows = (f'{{"uri":"u{n}","versionCreated":"2026-11-24T14:00:00Z","headline":"Alibaba {n}"}}' for n in range(ITEMS))  # fmt: skip
    body = b'{"items":[' + ",".join(rows).encode() + b"]}"
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        threading.Thread(target=posted, args=(port, body, 200.0), daemon=True).start()
        _while_taken(system, run, "inbox", 150)


def _slow(base: Path, body: bytes, within_s: float = NEAR_S) -> None:
    """Serve a document from one host and a good feed from another: that one is read in time."""
    answers: dict[str, Answer] = {"/bad": document(body), "/good": rising("good")}
    with hosted(answers) as server:
        system = System(base, feeds(server, bad="127.0.0.1"))
        system.config.write_text(system.config.read_text() + feeds(server, good="localhost"))
        with system.run() as run:
            run.up()
            run.until(lambda: "/bad" in server.paths(), NEAR_S, "the feed is not asked for")
            asked = len(server.asked)
            good = "Good words of good 0"
            run.until(lambda: good in system.titles(), within_s, "another feed waits for it")
            run.until(lambda: _named(system, run), 45, "nobody says what became of it")
            run.answers()
            hold(len(server.asked) >= asked, "the poller has stopped")
            run.ends()
        _clocked(system)


def _named(system: System, run: Run) -> bool:
    """Tell whether anybody says what became of the feed `bad`."""
    rejects = (each for each in system.records() if isinstance(each, Reject))
    return "bad" in run.said() or any(each.detail.startswith("bad") for each in rejects)


def _wide(attributes: int) -> bytes:
    words = " ".join(f'a{n}="{n}"' for n in range(attributes))
    return (
        f"<rss version='2.0'><channel><title>t</title><item {words}><title>x</title></item>"
        "</channel></rss>"
    ).encode()


@attack(5, "it is refused by name within 45 s, and no other feed waits", limit_s=120, ci=True)
def element_of_20000_attributes(base: Path) -> None:
    """feedparser goes through the attributes of an element once for each of them."""
    _slow(base, _wide(20_000))


@attack(5, "it is refused by name within 45 s, and no other feed waits", limit_s=150)
def element_of_300000_attributes(base: Path) -> None:
    """The same in the 5 MB that a poll may bring."""
    _slow(base, _wide(300_000))


@attack(5, "it is refused by name within 45 s, and no other feed waits", limit_s=150)
def nesting_without_end(base: Path) -> None:
    """Half a million elements inside each other, none of them closed."""
    _slow(base, b"<rss version='2.0'><channel><item>" + b"<div>" * 500_000)


@attack(5, "it is refused by name within 45 s, and no other feed waits", limit_s=150)
def namespaces_without_end(base: Path) -> None:
    """An element that declares 100,000 namespaces."""
    names = " ".join(f'xmlns:n{n}="http://x/{n}"' for n in range(100_000))
    _slow(base, f"<rss version='2.0' {names}><channel><item><title>x</title></item>".encode())


@attack(5, "no post waits more than 20 s for the slow one", limit_s=150)
def slow_document_into_the_inbox(base: Path) -> None:
    """300,000 attributes, posted; then a small document behind it."""
    port = free_port()
    system = System(base, inbox(port))
    item = b'{"uri":"urn:small","versionCreated":"2026-11-24T14:00:00Z","headline":"Small words"}'
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        posted(port, _wide(300_000), within_s=1.0)
        run.until(lambda: posted(port, item, 5.0)[0] == 202, 20, "the small one is not taken")
        run.answers()
        run.ends()
    _clocked(system)


ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x "spelled out">]>'
    b"<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>Here it is %s</title>"
    b"</item></channel></rss>"
)
LAUGHS = b'<!DOCTYPE rss [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
)


def _posts(base: Path, judged: Callable[[System], None], *bodies: bytes) -> None:
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        for body in bodies:
            status, _ = posted(port, body, 30.0)
            hold(status, "no answer to a document")
        run.answers()
        judged(system)
        run.ends()


@attack("low", "a document that declares entities is a reject, in RSS and Atom as elsewhere")  # fmt: skip
def declared_entities(base: Path) -> None:
    """One harmless entity, an external one, and a billion laughs."""
    external = ENTITY.replace(b'x "spelled out"', b'x SYSTEM "file:///etc/hostname"')
    laughs = LAUGHS + b"]><rss version='2.0'><channel><item><title>Here it is &a11;</title></item></channel></rss>"  # fmt: skip

    def judged(system: System) -> None:
        told = [title for title in system.titles() if "Here it is" in title]
        hold(not told, f"passed on: {told[0][:60] if told else ''}")

    _posts(base, judged, ENTITY % b"&x;", external % b"&x;", laughs)


@attack("held before", "every answer is named, the good feed is read, no traceback", limit_s=150)
def fifteen_hostile_answers(base: Path) -> None:
    """Bombs, pages, cut and dripping bodies, lies about length, ESC in headers, endless headers."""
    head = response(200, Content_Length=100_000)
    answers: dict[str, Answer] = {
        "/bomb": document(bomb(200), Content_Encoding="gzip"),
        "/page": document(PAGE),
        "/cut": document(counted(3)[:-40]),
        "/short": raw(head + b"<rss>"),
        "/drips": dripping(head, b"<", 1.0),
        "/silent": never,
        "/reset": reset,
        "/escape": raw(b"HTTP/1.1 500 \x1b[31mred\x1b]0;x\x07\r\nServer: \x1b[2J\r\n\r\n"),
        "/lines": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500_000),
        "/long": raw(b"HTTP/1.1 200 " + b"O" * 5_000_000),
        "/coded": document(gzipped(counted(2)), Content_Encoding="gzip, gzip, gzip"),
        "/brotli": document(b"\xff" * 1000, Content_Encoding="br"),
        "/nul": document(b"\0" * 100_000),
        "/utf7": document(b"<?xml version='1.0' encoding='utf-7'?><rss>+ADw-item+AD4-</rss>"),
        "/loop": raw(b"HTTP/1.1 301 X\r\nLocation: /loop\r\n\r\n"),
    }
    bad = {name.strip("/"): "127.0.0.1" for name in answers}
    with hosted({**answers, "/good": rising("good")}) as server:
        system = System(base, feeds(server, **bad) + feeds(server, good="localhost"))
        with system.run() as run:
            run.up()
            good = "Good words of good 0"
            run.until(lambda: good in system.titles(), NEAR_S, "the good feed is not read")
            run.until(lambda: set(answers) <= set(server.paths()), 60, "not all are asked for")
            run.answers()
            run.ends()
    _clocked(system)
