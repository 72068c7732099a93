"""Every constant of the attribution, in one table, each with its source.

"Labelled moves" are 160 moves of S&P 500 names in 2013-14 whose causes were labelled by hand: a
constant was chosen on one half of them, checked on the other, and taken from where the result is
flat. Guide means the finance guide, section 3.
"""

from __future__ import annotations

# Who said it (guide: C).
SOURCE = {"regulator": 1.0, "issuer": 1.0, "wire": 1.0, "outlet": 0.9, "aggregator": 0.7}
UNKNOWN_SOURCE = 0.5

# How likely such news is to move a price by many sigmas (guide: E, for what reaches 5 %). The types
# under .7 were lowered by reading titles of both halves: no half of the labelled moves checks them.
EVENT = {
    "earnings": 1.0,
    "guidance": 1.0,
    "clinical": 0.8,
    "mna": 0.7,
    "analyst": 0.5,
    "fund_insider": 0.4,
    "capex_expansion": 0.3,
    "legal_regulatory": 0.3,
    "management": 0.2,
    "ops_labour": 0.2,
    "capital": 0.1,
    "datacentre": 0.1,
    "macro_sector": 0.1,
    "partnership_contract": 0.1,
    "product": 0.1,
}
UNTYPED = 0.05  # a title with no cue of an event; flat from .05 to .07
MINOR = 0.1  # at most, of what is typed `minor`: price targets, small purchases, notes
WITNESS = (
    0.8  # at least, of a witness: it says itself that it moved the price (issue 12's prototype)
)
# Types that explain nothing, whatever else a title says.
SILENT = frozenset({"opinion", "no_news", "price_report"})
# Kinds of news that are one event of a company within the look-back, however many stories tell it.
RESULTS = frozenset({"earnings", "guidance"})

# Agreement of a story's direction with the move's (guide: A; numbers of issue 12's prototype).
AGREES = 1.0
UNKNOWN = 0.45
OPPOSES = 0.15
RESULTS_OPPOSE = 0.3  # `profit rises` says nothing of what was expected; flat from .3 to .45
CLEAR = 0.5  # a direction of this size or more agrees or opposes wholly

UNEXPLAINED = 0.25  # weight of the unexplained beside stories of [0, 1]; flat from .2 to .3
FADE_MIN = 90.0  # clock minutes after which half of a story's weight is left; flat from 60 to 200
AFTER = 0.3  # weight of other news for what came just before it (issue 12's prototype)
AFTER_FADE_MIN = 60.0  # minutes after the step at which half of that is left
WITNESS_FADE_MIN = 240.0  # the same for a witness: outlets explain a move within the day

PEER = 0.15  # agreement of a peer's news at best: alone, it stays just too small to be named
# A rival's success in these is bad news: contagion against competition (Lang and Stulz 1992).
RIVALRY = frozenset({"clinical", "product", "partnership_contract"})
COMMON = 0.4  # weight of news of the market or the sector for one company; flat from .3 to .5

# Beta: market model on daily logarithmic returns, shrunk as Vasicek (1973) does.
FEWEST_DAYS = 20  # observations; with fewer, beta is the prior, flagged
MOST_DAYS = 250  # a year: older returns are of another company (guide 1.2)
CLIP_SIGMA = 4.0  # an old event may not bend the estimate (guide 1.4)
BETA_PRIOR = 1.0  # the mean of all listings
BETA_PRIOR_SD = 0.5  # deviation of betas among listings (.3 to .6 in Blume 1975)
