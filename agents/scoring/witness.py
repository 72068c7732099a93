"""Read what a title says of a price: whose it is, and whether the title also says why.

A title that states only the price explains nothing. One that states its cause, too, is a witness
of that cause: `shares fall after weak outlook`, `profit misses; shares drop`.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.scoring.clauses import Span
from agents.scoring.common_words import COMMON_WORDS

# Words that belong to the telling of a price: market, time, size, and what joins them.
_FILLER = frozenset(
    "share shares stock stocks adr adrs ads price prices market markets trading trade trades session volume investors investor"
    " premarket pre aftermarket afterhours hours bell extended early late morning afternoon midday today yesterday day days"
    " week weeks month months year years monday tuesday wednesday thursday friday since again further deeper another more most much"
    " nearly almost about around roughly than by to at in on of for from with the a an and as after amid following over before"
    " is are was its their his it up down higher lower new fresh record all time intraday high highs low lows highest lowest peak"
    " percent pct % per cent points point cents biggest largest worst best gain gains gainer gainers loser losers loss losses drop fall rise"
    " jump rally sell off selloff slide decline active heavy unusual moving why what s wall st street nasdaq nyse dow"
    " index buying selling pressure momentum move moves mover movers continues continue deepens extend extends pare pares"
    " update brief rpt corrected refile exclusive alert reuters source sources says say said report reports hit hits touch touches"
    " just now still level levels sharply slightly steeply strong strongly near nears close closes open opens ends end open"
    " - -- ; : , ( ) ? ! $ & or but while".split()
)
CONTENT = 2  # as many telling words make a cause where no cue of an event does


def states_cause(words: Sequence[str], spans: Sequence[Span], verbs: frozenset[str]) -> bool:
    """Tell whether words are left that could be a cause once the price is taken away."""
    named = {i for a, b in spans for i in range(a, b)}
    left = [
        w
        for i, w in enumerate(words)
        if i not in named and w not in _FILLER and w not in verbs and not w[0].isdigit()
    ]
    return len(left) >= CONTENT


_REACTS = frozenset("spooks spook spooked cheers cheered cheer rattles rattled disappoints disappointed disappoint surprises unnerves unnerved pleases worries delights".split())
_MARKET_STARTS = (
    "us stocks; canada stocks; uk stocks; european stocks; europe stocks; asia stocks; india stocks; china stocks; hong kong stocks; japan stocks; stocks news; stxnews; global markets; emerging markets; european shares;"
    " nordic stocks; german stocks; wall st; wall street; dow; s&p 500; nasdaq ends; nasdaq falls; nasdaq rises; futures; ftse; tsx; nikkei; britain's ftse; hot stocks; markets; world stocks; asian shares; stocks; stock futures; us market"
)
_STARTS = frozenset(tuple(start.split()) for start in _MARKET_STARTS.split("; "))
_TAGS = frozenset("update rpt corrected refile wrapup snapshot brief - : 1 2 3 4 5 6 7 8 9 official ( )".split())


def reacts(words: Sequence[str]) -> bool:
    """Tell whether a title says that something spooked or cheered the investors."""
    return any(
        word in _REACTS and not _WATCHERS.isdisjoint(words[i + 1 : i + 4]) for i, word in enumerate(words)
    )


_WATCHERS = frozenset("investors shareholders wall street market markets".split())


def is_market_report(words: Sequence[str]) -> bool:
    """Tell whether a title reports the day of a whole market, of which a company is an example."""
    at = 0
    while at < len(words) and words[at] in _TAGS:
        at += 1
    lead = tuple(words[at : at + 3])
    return any(lead[:size] in _STARTS for size in (1, 2, 3))
