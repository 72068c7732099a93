"""Every constant of the attribution, in one table, each with its source.

`fitted` means: chosen on the fit half of labelled moves of 2013-14 and checked on the other half;
each was taken from a flat stretch, and none was tuned to more than one digit.
"""

from __future__ import annotations

# Who said it (finance guide, section 3: C).
SOURCE = {"regulator": 1.0, "issuer": 1.0, "wire": 1.0, "outlet": 0.9, "aggregator": 0.7}
UNKNOWN_SOURCE = 0.5

# How likely news of this kind is to move a price by many sigmas (guide: E; those under .9 fitted).
EVENT = {
    "earnings": 1.0,
    "guidance": 1.0,
    "mna": 0.7,
    "clinical": 0.8,
    "legal_regulatory": 0.3,
    "capex_expansion": 0.3,
    "fund_insider": 0.4,
    "analyst": 0.5,
    "management": 0.2,
    "ops_labour": 0.2,
}
UNTYPED = 0.1  # also launches, contracts, dividends and all other types
MINOR = 0.1  # at most, of what is typed `minor`: target prices, small purchases, notes
# Types that explain nothing, whatever else a title says.
SILENT = frozenset({"opinion", "no_news", "price_report"})
# Kinds of news that are one event of a company within the look-back, however many stories tell it.
RESULTS = frozenset({"earnings", "guidance"})

# Agreement of a story's direction with the move's (guide: A; issue 12's prototype).
AGREES = 1.0
UNKNOWN = 0.45
OPPOSES = 0.15
RESULTS_OPPOSE = 0.3  # `profit rises` says nothing of what was expected
CLEAR = 0.5  # a direction of this size or more agrees or opposes wholly

UNEXPLAINED = 0.25  # weight of the unexplained beside stories in [0, 1] (issue 12's prototype)
FADE_MIN = 60.0  # traded minutes after which half of a story's weight is left
WITNESS = 0.8  # weight of a witness for what came before it (issue 12's prototype)
AFTER = 0.3  # weight of other news for what came just before it (issue 12's prototype)
AFTER_FADE_MIN = 60.0  # minutes after the step at which half of that is left
WITNESS_FADE_MIN = 240.0  # the same for a witness: outlets explain within the day
PEER = 0.15  # of the event prior, for news of a peer
RIVALRY = frozenset(
    {"clinical", "product", "partnership_contract"}
)  # a rival's success is bad news
COMMON = 0.4  # relevance of macro and sector news for one company

CLIP_DAYS = 20  # fewest daily returns for a beta (guide 1.2 skips it under 50 minutes)
BETA_PRIOR = 1.0  # Vasicek 1973: shrink towards the mean of all listings
BETA_PRIOR_SD = 0.5  # cross-sectional deviation of betas, S&P 500 (Blume 1975: .3 to .6)
