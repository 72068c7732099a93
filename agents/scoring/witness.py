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
