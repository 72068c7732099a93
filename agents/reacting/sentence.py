"""The sentence of an alert: what moved, how far, and why as far as anybody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Final

import numpy as np

from agents.reacting.sessions import Sessions
from streams.events import SECOND_NS, Alert
from streams.explanation import Attribution, Candidate

NAMED_SHARE: Final = 0.15  # from which a cause is named
STILL_BPS: Final = 0.5  # a market move that would print as 0.00 %
LEAD: Final = 4.0 / 3.0  # it leads the next by a third


def sentence_of(alert: Alert, sessions: Sessions) -> str:
    """Say in one sentence what moved, how far, and why; the shares in it add up to 100 %."""
    local_ns = sessions.local_ns(alert.opened_ns)
    clock = str(np.datetime64(local_ns // SECOND_NS, "s"))[11:]
    phase = alert.session.replace("_", " ")
    unusual = "" if alert.sigmas is None else f", {alert.sigmas:.1f} daily sigmas"
    passed = f"{alert.listing} {alert.direction} {abs(alert.return_bps) / 100:.2f} % on the day"
    price = f"{alert.price:.2f} against a previous close of {alert.reference_price:.2f}"
    opened = f"opened {clock} {sessions.place} time in the {phase} phase"
    return f"{passed}{unusual} ({price}; {opened}): {_because(alert.attribution)}"


def named_causes(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the causes to be named: the first where it leads, the first two where none does."""
    if not candidates or candidates[0].share < NAMED_SHARE:
        return ()
    leads = len(candidates) == 1 or candidates[0].share >= LEAD * candidates[1].share
    return tuple(candidates[:1] if leads else candidates[:2])


def _because(attribution: Attribution) -> str:
    split = "suspect_split" in attribution.flags
    named = () if split else named_causes(attribution.candidates)
    shares = _percents(_parts(attribution, named))
    titles = " and ".join(f'"{c.title}" ({shares[c.story_id]})' for c in named)
    if split:
        told = "perhaps a split that [[daily]] does not have"
    elif not named:
        told = "no clear cause"
    elif len(named) == 1:
        told = f"most likely {titles}"
    else:
        told = f"several causes, first {titles}"
    rest = [
        f"{words} {shares[name]}"
        for name, words in (
            (" others", "other stories"),
            (" sector", "sector"),
            (" market", _market_words(attribution)),
            (" unexplained", "unexplained"),
        )
        if name in shares
    ]
    return f"{told}; {', '.join(rest)}.{_order(attribution, named)}"


def _parts(attribution: Attribution, named: Sequence[Candidate]) -> dict[str, float]:
    """Return the shares that are printed; they sum to 1."""
    parts = {candidate.story_id: candidate.share for candidate in named}
    others = sum(c.share for c in attribution.candidates if c.story_id not in parts)
    parts |= {" others": others} if others else {}
    parts |= {" sector": attribution.sector_share} if attribution.sector_share else {}
    return parts | {
        " market": attribution.market_share,
        " unexplained": attribution.unexplained_share,
    }


def _market_words(attribution: Attribution) -> str:
    moved = attribution.market_return_bps
    if moved is None:
        return "market (not known)"
    if abs(moved) < STILL_BPS:
        return "market (unchanged)"
    if "against_market" in attribution.flags:
        return f"against the market ({moved / 100:+.2f} %)"
    return f"with the market ({moved / 100:+.2f} %)"


def _order(attribution: Attribution, named: Sequence[Candidate]) -> str:
    if named and attribution.price_led:
        return " The price moved before the news."
    if named and attribution.late_feed:
        return " The news came within its feed's delay of the move."
    return ""


def _percents(shares: Mapping[str, float]) -> dict[str, str]:
    """Return whole percents that sum to 100: rounded down, the largest remainders up."""
    whole = {name: floor(share * 100.0) for name, share in shares.items()}
    missing = 100 - sum(whole.values())
    by_rest = sorted(shares, key=lambda name: (whole[name] - shares[name] * 100.0, name))
    for name in by_rest[: max(missing, 0)]:
        whole[name] += 1
    return {name: f"{percent} %" for name, percent in whole.items()}
