"""Tell titles that retell a move of a price, whose price it is, and whether they say why.

It is found by grammar (what moves, and by how much), since a false price report would silence a
real cause. A title that states only the price explains nothing; one that states its cause, too,
is a witness of that cause: `shares fall after weak outlook`, `profit misses; shares drop`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agents.scoring.clauses import WordSpan
from agents.scoring.common_words import COMMON_WORDS
from agents.scoring.lexicon import BREAKS

NOBODY: WordSpan = (0, 0)

_SHARES = frozenset(
    "share shares stock stocks adr adrs ads scrip sensex nifty dow nikkei ftse dax kospi topix"
    " futures hsi index equities bourse".split()
)
_VERBS = frozenset(
    word
    for stem in (
        "jump rise fall drop gain surge soar plunge slump tumble sink slide slip climb tank dip pop"
        " spike rocket skyrocket plummet retreat advance decline rebound edge inch crash bounce"
        " recover rally swoon leap zoom firm ease weaken close end open trade"
    ).split()
    for word in (stem, stem + "s", stem + "ed", stem.removesuffix("e") + "ing", stem + "d")
) | frozenset(
    "up down higher lower rose fell sank slid rallied rallies rallying dropped slipped dipped"
    " dropping slipping risen fallen leapt popped tanked crashes trading moving skids nosedives".split()
)
# Verbs that say a price went somewhere, without `trades`, `closes`, `opens` and their like.
_MOVES = _VERBS - frozenset(
    word + end
    for word in ("clos", "end", "open", "trad", "eas", "firm", "recover")
    for end in ("e", "es", "ed", "ing", "s", "d", "")
)
_PUSHES = frozenset(
    "sends send sent drives drive drove pushes push pushed lifts lift lifted boosts boost boosted"
    " drags drag dragged knocks knock knocked hammers hammer hits sinks sank slams jolts".split()
)
# After `shares` these make it a thing that is sold or counted, not a price.
_NOT_PRICES = frozenset(
    "offering sale sales repurchase buyback buybacks split issue issuance options option deal swap"
    " purchase plan program placement target targets exchange offer capital outstanding incentive"
    " award awards compensation holder holders dividend buy".split()
)
_FUNDAMENTALS = frozenset(
    "profit profits sales revenue revenues revs earnings income output orders order production"
    " exports deliveries margin margins eps traffic bookings net loss demand shipments imports"
    " subscribers users dividend quarter q1 q2 q3 q4 volume volumes costs prices price".split()
)
_WHEN = frozenset(
    "on after as amid following premarket pre post afterhours late early today again most monday"
    " tuesday wednesday thursday friday".split()
)
_BETWEEN = frozenset("is are stock now sharply".split())  # Alibaba is up 8%
_PERCENT = frozenset("% percent pct pc".split())
_EXTREMES = frozenset("high highs highest low lows lowest peak".split())


def _has_percent(words: Sequence[str], start: int, end: int) -> int | None:
    """Return the place of a percent sign that follows a figure in the span."""
    for i in range(max(start, 1), min(end, len(words))):
        per_cent = words[i] == "per" and words[i + 1 : i + 2] == ["cent"]
        if (words[i] in _PERCENT or per_cent) and words[i - 1][0].isdigit():
            return i
    return None


def _shares_move(words: Sequence[str], i: int) -> bool:
    """Tell whether the `shares` at `i` move: `shares jump`, `shares of Alibaba fell`."""
    if i and words[i - 1] in ("per", "market", "a", "sell", "sells", "buy", "buys", "issue"):
        return False
    reach = 7 if words[i + 1 : i + 2] == ["of"] else 4
    for j in range(i + 1, min(i + 1 + reach, len(words))):
        if words[j] in BREAKS or words[j] in _NOT_PRICES:
            return False
        if words[j] in _VERBS:
            return True
        if words[j] in ("hit", "hits", "touch", "touches", "at", "near", "reach"):
            return any(word in _EXTREMES for word in words[j + 1 : j + 7])
    return False


def _shares_are_moved(words: Sequence[str], i: int) -> bool:
    """Tell whether something moves the `shares` at `i`: `sends shares up`, `slide in shares`."""
    if not _NOT_PRICES.isdisjoint(words[i + 1 : i + 3]) or (
        i and words[i - 1] in ("market", "per")
    ):
        return False
    for j in range(i - 1, max(i - 4, -1), -1):
        if words[j] in BREAKS:
            return False
        if words[j] in _PUSHES or (words[j] in _MOVES and words[j + 1] in ("in", "for")):
            return True
    return False


def _company_moves(words: Sequence[str], end: int) -> bool:
    """Tell whether the company whose name ends before `end` itself moves: `Alibaba jumps 9%`."""
    if end >= len(words):
        return False
    at = end + 1 if words[end] in _BETWEEN else end
    if at >= len(words) or words[at] not in _MOVES:
        return False
    percent = _has_percent(words, at + 1, at + 6)
    if percent is not None:
        beyond = words[percent + 1 : percent + 4]
        between = words[at + 1 : percent]
        owned = any(word in ("stake", "share", "holding", "interest", "tariff") for word in beyond)
        return not owned and not _FUNDAMENTALS.intersection(between)
    if words[0] == "why":
        return True
    following = words[at + 1] if at + 1 < len(words) else ""
    if following in ("in", "to"):
        ahead = words[at + 2 : at + 8]
        return any(w in ("premarket", "pre", "trading") or w in _EXTREMES for w in ahead)
    return following in _WHEN


def _at_extreme(words: Sequence[str]) -> bool:
    """Tell whether the price stands at a high or low: `hits record high`, no metric named."""
    if _FUNDAMENTALS.intersection(words):
        return False
    for i, word in enumerate(words[:-1]):
        if word in ("hit", "hits", "touch", "touches", "touched", "scales") and any(
            near in _EXTREMES for near in words[i + 1 : i + 7]
        ):
            return True
    return False


def is_price_report(words: Sequence[str], spans: Sequence[WordSpan]) -> bool:
    """Tell whether a title retells a price move; `spans` are the companies it names."""
    for i, word in enumerate(words):
        if word in _SHARES and (_shares_move(words, i) or _shares_are_moved(words, i)):
            return True
    if any(_company_moves(words, end) for _, end in spans):
        return True
    return _at_extreme(words)


# Words that belong to the telling of a price: market, time, size, and what joins them.
_FILLER = frozenset(
    "share shares stock stocks adr adrs ads price prices market markets trading trade trades session volume investors investor"
    " premarket pre aftermarket afterhours hours bell extended early late morning afternoon midday today yesterday day days"
    " week weeks month months year years monday tuesday wednesday thursday friday since again further deeper another more most much"
    " nearly almost about around roughly than by to at in on of for from with the a an and as after amid following over before"
    " is are was its their his it up down higher lower new fresh record all time intraday high highs low lows highest lowest peak"
    " percent pct % per cent points point cents biggest largest worst best gain gains gainer gainers loser losers loss losses drop fall rise"
    " jump rally sell off selloff slide decline active heavy heavily unusual unusually moving why what s wall st street nasdaq nyse dow"
    " index buying selling pressure momentum move moves mover movers continues continue deepens extend extends pare pares"
    " update brief rpt corrected refile exclusive alert reuters source sources says say said report reports hit hits touch touches"
    " just now still level levels sharply slightly steeply strong strongly near nears close closes open opens ends end open"
    " - -- ; : , ( ) ? ! $ & or but while".split()
)
CONTENT = 2  # as many telling words make a clause news where no cue of an event does
_PLACES = frozenset(
    "hong kong new york london tokyo shanghai shenzhen frankfurt paris mumbai sydney toronto seoul taipei u.s us u.s. china asia europe".split()
)
_LINKS = frozenset("after on as amid following over due because despite by with".split())
_LINK_REACH = 8  # words after a link in which its cause stands


def states_cause(words: Sequence[str], spans: Sequence[WordSpan]) -> bool:
    """Tell whether a price report says why: `as X`, `X lifts shares`, or news in a clause apart."""
    named = {i for a, b in spans for i in range(a, b)}
    telling = [i not in named and _is_telling(word) for i, word in enumerate(words)]
    for i, word in enumerate(words):
        if word in _LINKS and any(telling[i + 1 : i + 1 + _LINK_REACH]):
            return True
        if word in _PUSHES and any(telling[:i]):
            return True
    return any(
        sum(telling[a:b]) >= CONTENT and not any(_tells_price(word) for word in words[a:b])
        for a, b in _clauses(words)
    )


def _is_telling(word: str) -> bool:
    """Tell whether a word could belong to a cause: no price, no market, no time, no figure."""
    price = word in _FILLER or _tells_price(word) or word in _PLACES
    return not price and not word[0].isdigit()


def _tells_price(word: str) -> bool:
    return word in _VERBS or word in _PUSHES or word in _SHARES


def _clauses(words: Sequence[str]) -> list[WordSpan]:
    """Return the clauses of a title; none where it is a single one."""
    cuts = [i for i, word in enumerate(words) if word in BREAKS]
    return [(a + 1, b) for a, b in pairwise([-1, *cuts, len(words)])] if cuts else []


def teller_of(words: Sequence[str], spans: Sequence[WordSpan]) -> WordSpan | None:
    """Return the span of the company whose price a price report tells; None where unclear.

    A name right before `shares`, or after `shares of`, owns them; where another, unknown name
    stands there they are nobody's that is linked (an empty span). Otherwise they are the
    subject's, the first company of the title.
    """
    for i, word in enumerate(words):
        if word not in _SHARES or not (_shares_move(words, i) or _shares_are_moved(words, i)):
            continue
        if words[i + 1 : i + 2] == ["of"]:
            return next((span for span in spans if i + 2 <= span[0] <= i + 3), NOBODY)
        for span in spans:
            if span[1] == i:
                return span
        before = words[i - 1] if i else ""
        if before.isalpha() and not _is_plain(before):
            return NOBODY
    return min(spans, default=None)


def _is_plain(word: str) -> bool:
    return (
        word in COMMON_WORDS
        or word in _FILLER
        or word in _VERBS
        or word in _PUSHES
        or word in BREAKS
    )


_REACTS = frozenset(
    "spooks spook spooked cheers cheered cheer rattles rattled disappoints disappointed disappoint"
    " surprises unnerves unnerved pleases worries delights".split()
)
_WATCHERS = frozenset("investors shareholders wall street market markets".split())


def reacts(words: Sequence[str]) -> bool:
    """Tell whether a title says that its news spooked or cheered the investors."""
    if _REACTS.isdisjoint(words):
        return False
    for i, word in enumerate(words):
        if word in _REACTS and not _WATCHERS.isdisjoint(words[i + 1 : i + 4]):
            return True
    return False
