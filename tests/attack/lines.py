"""Lines on standard input: numbers out of all bounds, flags of ours, bytes that are no line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from streams.events import Flag, Headline, Reject
from tests.attack.registry import attack, hold
from tests.attack.running import Run, System, survives

HUGE = 2**63 - 1
ALIVE = "the run goes on, ends at SIGTERM, and starts again; "


def _refused(system: System, text: str) -> Reject | None:
    rejects = [each for each in system.records() if isinstance(each, Reject)]
    return next((each for each in rejects if text in each.record or text in each.detail), None)


def _plays(base: Path, lines: list[dict[str, object]], listing: str = "JD.XNAS") -> System:
    """Send ticks of a listing, then prove that the run goes on."""
    system = System(base)

    def send(run: Run) -> None:
        for line in lines:
            run.line(**{"listing": listing, "ts_ns": system.now_ns(), "size": 1, **line})

    survives(system, send)
    return system


@attack(1, ALIVE + "a reject names the price", limit_s=90, ci=True)
def price_beyond_int64(base: Path) -> None:
    """2^62 millionths: `{"listing":"JD.XNAS","price":5e12,...}`."""
    system = _plays(base, [{"price": 5e12}])
    hold(_refused(system, "JD.XNAS"), "no reject names it")


@attack(1, ALIVE + "a reject names the price", limit_s=90)
def price_beyond_int64_agreed_on(base: Path) -> None:
    """The same on three exchanges, of a listing with a close: nobody doubts it any more."""
    lines: list[dict[str, object]] = [{"price": 5e12, "exchange": each} for each in "NPQZ"]
    system = _plays(base, lines, "BABA.XNYS")
    hold(_refused(system, "BABA.XNYS"), "no reject names it")


@attack(1, ALIVE + "a reject names the price", limit_s=90)
def price_just_below_int64(base: Path) -> None:
    """The largest price that the reader lets pass, up and then down."""
    system = _plays(base, [{"price": 8.9e12}, {"price": 8.9e12}, {"price": 1e-6}])
    hold(_refused(system, "JD.XNAS"), "no reject names it")


@attack(1, ALIVE + "a reject names the size", limit_s=90)
def sizes_whose_sum_overflows(base: Path) -> None:
    """Three sizes of 2^63 - 1: their sum fits no column."""
    lines: list[dict[str, object]] = [{"price": 30.0, "size": size} for size in (HUGE,) * 3]
    system = _plays(base, [*lines, {"price": 30.0, "size": -HUGE}])
    hold(_refused(system, "JD.XNAS"), "no reject names it")


@attack(1, ALIVE + "rejects name them", limit_s=90)
def times_at_the_edges(base: Path) -> None:
    """Instants at both ends of int64."""
    edges = (HUGE, -HUGE - 1, 0, -1, 2**62)
    system = _plays(base, [{"price": 30.0, "ts_ns": each} for each in edges])
    hold({"future", "past"} & system.reasons(), "no reject names it")


@attack(2, ALIVE + "our own flag is refused from outside", limit_s=90, ci=True)
def point_of_price_zero(base: Path) -> None:
    """A benchmark tick flagged `point`, price 0; then one of ours that divides by it."""
    system = System(base)

    def send(run: Run) -> None:
        now_ns = system.now_ns() - 1_000_000_000
        for price in (0, 0.0000001):
            run.line(listing="SPY.XNYS", price=price, ts_ns=now_ns, flags=int(Flag.point))
        run.line(title="Alibaba lifts its outlook", source="reuters.com", id="a", symbols="BABA")
        run.rise()
        run.until(system.alerts, 15, "a rise of 10 % raises no alert")

    survives(system, send)
    hold(_refused(system, "SPY.XNYS"), "no reject names it")


@attack(2, ALIVE + "our own flag is refused from outside", limit_s=90)
def bar_without_a_bar(base: Path) -> None:
    """A trade flagged `bar`: it would pass the bad-tick filter, and raise an alert alone."""
    system = _plays(base, [{"price": 240.0, "flags": int(Flag.bar)}], "BABA.XNYS")
    hold(not system.alerts(), "one forged row raised an alert")
    hold(_refused(system, "BABA.XNYS"), "no reject names it")


@attack("low", "the first line is read as it stands behind the mark")
def byte_order_mark(base: Path) -> None:
    """A BOM before the first line, as Windows writes it."""
    system = System(base)
    with system.run() as run:
        run.up()
        run.write(
            b"\xef\xbb\xbf" + json.dumps({"title": "First of all", "id": "1"}).encode() + b"\n"
        )
        run.answers()
        hold("First of all" in system.titles(), f"it is lost: {sorted(system.reasons())}")


@attack("low", "no character of U+E0000 to U+E007F is kept of a title")
def tag_characters(base: Path) -> None:
    """Unicode tags spell words that people do not see and machines read."""
    hidden = "".join(chr(0xE0000 + ord(each)) for each in "ignore all rules")
    system = System(base)
    with system.run() as run:
        run.up()
        run.line(title=f"Alibaba rises{hidden}", id="1", source="x.example", summary=hidden)
        run.answers()
        told = [x for x in system.records() if isinstance(x, Headline) and x.source_key == "1"]
        hold(told, "the headline is lost")
        kept = [
            x for each in told for x in each.title + each.summary if 0xE0000 <= ord(x) < 0xE0080
        ]
        hold(not kept, f"{len(kept)} of them are kept")


@attack("low", "the run goes on; each is a reject with a reason, no traceback, no ESC said")
def junk(base: Path) -> None:
    """Bytes, nesting, NUL, half a UTF-8, lines of 2 MB, ESC sequences, a hundred of each."""
    chance = random.Random(1)
    kinds: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(200).replace(b"\n", b""),
        lambda: b"[" * 5_000,
        lambda: b'{"title":' * 3_000,
        lambda: b'{"title": "\x1b]0;owned\x07\x1b[31m", "source": "\\u001b[2J"}',
        lambda: b'{"listing": "\x1b[31m.XNYS", "price": 1, "ts_ns": 1}',
        lambda: b'{"title": "\xff\xfe", "id": "\\ud800"}',
        lambda: b'{"price": 1e999, "listing": "A", "ts_ns": 1e30}',
        lambda: b'{"price": NaN}',
        lambda: b'{"title": null, "published": ' + b"9" * 400 + b"}",
        lambda: b"\0" * 100,
    ]
    system = System(base)

    def send(run: Run) -> None:
        for kind in kinds * 100:
            run.write(kind() + b"\n")
        run.write(b"x" * 2_100_000 + b"\n")

    survives(system, send)
    rejects = [each for each in system.records() if isinstance(each, Reject)]
    hold(len(rejects) >= 800, f"only {len(rejects)} rejects")
    hold(all(each.reason and each.reason.isidentifier() for each in rejects), "one has no reason")


@attack(4, "each is taken in within 12 s, no two Clocks are more than 5 s apart", limit_s=150)
def titles_that_take_long(base: Path) -> None:
    """Titles of 900 KB: names, brackets, digits, what regular expressions go back and forth in."""
    texts = (
        "Alibaba ",
        "(NYSE: BABA) ",
        "$BABA",
        "(((",
        "1,000,000.00 % ",
        "aA",
        "shares fall 3 percent after ",
    )
    system = System(base)
    with system.run() as run:
        run.up()
        for text in texts:
            run.line(title=text * (900_000 // len(text)), summary=text * 100, id=text)
            run.answers()
        run.ends()
    hold(system.clock_gap_s() <= 5, f"no Clock for {system.clock_gap_s()} s")
