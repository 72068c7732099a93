"""Name the kinds of event a headline reports, by cue phrases in one pass.

`price_report` is no event: it retells a move of the price, and so can never explain one. It is
found by grammar (what moves, and by how much), since a false one would silence a real cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from agents.scoring.clauses import WordSpan
from agents.scoring.cues import CUES, EVENT_TYPES
from agents.scoring.market_reports import is_market_report
from agents.scoring.price_reports import is_price_report, reacts, states_cause, teller_of
from agents.scoring.results import (
    announces_date,
    gives_figures,
    gives_forecast,
    is_clinical,
    is_dividend_notice,
)
from agents.scoring.text import prepare

_REPORT = "price_report"
_BIT = {name: 1 << i for i, name in enumerate((*EVENT_TYPES, "none"))}
_NO_EVENTS = ("macro_sector", "minor", "opinion", "no_news", _REPORT)
_EVENTS = sum(_BIT[name] for name in EVENT_TYPES if name not in _NO_EVENTS)

_CUTS = frozenset("cut cuts cutting slash slashes axe axes eliminate eliminates shed sheds".split())
_JOBS = frozenset("jobs staff workforce positions employees posts".split())
_REPORT_PHRASES = (
    "52 week high; 52 week low; stocks to watch; stock to watch; shares to watch; hot stocks;"
    " buzzing stocks; top gainers; top losers; biggest gainers; biggest losers; market movers;"
    " premarket movers; premarket gainers; premarket losers; midday movers; biggest moves;"
    " before the bell; after the bell; market wrap; most active; on the move; unusual volume;"
    " heavy volume; market update; stock market today; closing bell; opening bell; market talk;"
    " is moving; are moving; stock movers; market close; wall st ends; wall street ends;"
    " wall street rises; wall street falls; wall st rises; wall st falls; wall street drops;"
    " new 52 week; fresh 52 week; intraday high; intraday low; market snapshot; moving higher;"
    " pare losses; pares losses; pare gains; pares gains; extend gains; extends gains;"
    " extend rally; extends rally; extend losses; extends losses; going on with;"
    " moving lower; trading higher; trading lower; trades higher; trades lower; gaps up; gaps down"
)


def _patterns() -> tuple[list[str], list[int]]:
    """Return the cue patterns, padded with spaces, and the type bit of each."""
    bits: dict[str, int] = {}
    for name, phrases in {**CUES, _REPORT: _REPORT_PHRASES}.items():
        for phrase in phrases.split(";"):
            cue = phrase.strip()
            words = " ".join(prepare(cue.rstrip("*")).words)
            pattern = f" {words}" if cue.endswith("*") else f" {words} "
            bits[pattern] = bits.get(pattern, 0) | _BIT[name]
    return list(bits), list(bits.values())


_PATTERNS, _BITS = _patterns()
_AUTOMATON = AhoCorasick(_PATTERNS)


def _cued(words: Sequence[str]) -> int:
    """Return the bits of all cues, but for those inside a longer cue."""
    text = f" {' '.join(words)} "
    found = _AUTOMATON.find_matches_as_indexes(text, overlapping=True)
    if len(found) == 1:
        return _BITS[found[0][0]]
    bits = 0
    for number, start, end in dict.fromkeys(found):
        hidden = any(
            first <= start and end <= last and last - first > end - start
            for _, first, last in found
        )
        if not hidden:
            bits |= _BITS[number]
    return bits


def _rated(words: Sequence[str], bits: int) -> int:
    """Take away the takeover that is none: `upgrades Acme to buy`."""
    if not bits & _BIT["analyst"] or not bits & _BIT["mna"]:
        return bits
    others = [word for before, word in pairwise(("", *words)) if (before, word) != ("to", "buy")]
    return bits if _cued(others) & _BIT["mna"] else bits & ~_BIT["mna"]


def _cuts_jobs(words: Sequence[str]) -> bool:
    """Tell whether jobs go, with the number in between: `to cut 8,000 jobs`."""
    if _JOBS.isdisjoint(words):
        return False
    return any(
        word in _CUTS and not _JOBS.isdisjoint(words[i + 1 : i + 6]) for i, word in enumerate(words)
    )


class TitleReading(NamedTuple):
    """What a title reports, and of which company it tells the price.

    `types` holds `price_report` where the price stands alone; `witness` says that its cause
    stands beside it. `teller` is the span of the company whose price is told, None where it is
    nobody's in particular or where no price is told.
    """

    types: tuple[str, ...]
    witness: bool = False
    teller: WordSpan | None = None

    def of(self, span: WordSpan | None) -> tuple[tuple[str, ...], bool]:
        """Return the types and the witness of the company at `span`: another's price is no report."""
        if self.teller is None or span is None or span == self.teller:
            return self.types, self.witness
        return tuple(name for name in self.types if name != _REPORT), False


def _told(words: Sequence[str]) -> int:
    """Return the bits of types that are told by grammar rather than by a cue."""
    bits = 0
    for name, tells in _GRAMMAR:
        if tells(words):
            bits |= _BIT[name]
    return bits


_GRAMMAR: tuple[tuple[str, Callable[[Sequence[str]], bool]], ...] = (
    ("ops_labour", _cuts_jobs),
    ("earnings", gives_figures),
    ("guidance", gives_forecast),
    ("clinical", is_clinical),
    ("no_news", announces_date),
    ("no_news", is_dividend_notice),
)


def read_events(words: Sequence[str], spans: Sequence[WordSpan] = ()) -> TitleReading:
    """Return every type the title has a cue of, in the order of priority, and whose price it tells.

    `price_report` is among them only where the title gives no cause beside the price.
    """
    bits = _rated(words, _cued(words)) | _told(words)
    witness, teller = reacts(words), None
    if is_market_report(words):
        bits |= _BIT["no_news"]
    elif not bits & _BIT[_REPORT] and is_price_report(words, spans):
        teller = teller_of(words, spans)
        witness = bool(bits & _EVENTS) or states_cause(words, spans)
        bits |= 0 if witness else _BIT[_REPORT]
    return TitleReading(tuple(name for name in EVENT_TYPES if bits & _BIT[name]), witness, teller)
