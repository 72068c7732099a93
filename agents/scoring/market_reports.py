"""Tell reports on the day of a whole market: `US STOCKS-Wall St falls, Acme weighs`.

To a company that such a title names they are no news; of the market they are witnesses.
"""

from __future__ import annotations

from collections.abc import Sequence

_MARKET_STARTS = (
    "us stocks; us stock; u.s stocks; canada stocks; uk stocks; european stocks; europe stocks; asia stocks;"
    " india stocks; china stocks; hong kong stocks; japan stocks; nordic stocks; german stocks; mexico stocks;"
    " brazil stocks; latam stocks; stocks news; stxnews; global markets; emerging markets; european shares;"
    " asian shares; world stocks; world shares; wall st; wall street; dow; s&p 500; nasdaq ends; nasdaq falls;"
    " nasdaq rises; nasdaq closes; nasdaq slides; futures; stock futures; ftse; britain's ftse; tsx; nikkei;"
    " hang seng; sensex; nifty; kospi; topix; dax; cac; markets; us market; stocks; hot stocks; treasuries;"
    " forex; commodities; precious; press digest; indonesia press; malaysia press; india press; china press"
)
_STARTS = frozenset(tuple(start.split()) for start in _MARKET_STARTS.split("; "))
_TAGS = frozenset(
    "update rpt corrected refile wrapup snapshot brief - : 1 2 3 4 5 6 7 8 9 official ( )".split()
)


def is_market_report(words: Sequence[str]) -> bool:
    """Tell whether a title reports the day of a whole market, of which a company is an example."""
    at = 0
    while at < len(words) and words[at] in _TAGS:
        at += 1
    lead = tuple(words[at : at + 3])
    return any(lead[:size] in _STARTS for size in (1, 2, 3))
