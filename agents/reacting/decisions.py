"""Why no alert came of a move or a mention: for the log, worked out only when asked.

An alert that was raised, escalated or updated is an output of its own. These functions read an engine that
has already applied the record; they change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.reacting.config import Rule
from agents.reacting.engine import Engine
from agents.reacting.explaining.constants import SILENT
from streams.events import Alert, Mention, Move, Output, content_id

OTHER_LISTINGS = "rule_is_for_other_listings"
OTHER_LEVELS = "rule_has_not_this_level"
ENDED = "alert_of_this_date_has_ended"  # nothing reopens (DESIGN 3, Alert)
UNKNOWN_ISSUER = "issuer_has_no_listing_here"
SUPERSEDED = "newer_revision_is_known"
NO_OPEN_ALERT = "issuer_has_no_open_alert"
NO_CAUSE = "such_a_title_is_no_cause"  # a price report, an opinion, no news
TOO_OLD = "older_than_the_look_back"
SAME_EVIDENCE = "shares_are_about_the_same"


def silent_rules(engine: Engine, rules: Iterable[Rule], move: Move) -> dict[str, str]:
    """Return the rules that made no alert of a move, each with the reason, by rule name."""
    line = engine.registry.lines[engine.listings[move.listing]]
    silent = {}
    for rule in rules:
        key = content_id(rule.name, move.listing, move.trade_date, move.direction)
        if rule.listings and move.listing not in rule.listings:
            silent[rule.name] = OTHER_LISTINGS
        elif move.level_pct not in rule.levels_pct:
            silent[rule.name] = OTHER_LEVELS
        elif key in line.state.resolved:
            silent[rule.name] = ENDED
    return silent


def why_not_updated(engine: Engine, mention: Mention, outputs: Sequence[Output]) -> dict[str, str]:
    """Return why a mention changed no open alert of its issuer, by alert id.

    `outputs` is what `apply` returned for it; an alert among them is left out. Where the reason is no
    alert's own, it stands alone under "".
    """
    number = engine.registry.issuer_index.get(mention.issuer)
    if number is None:
        return {"": UNKNOWN_ISSUER}
    issuer = engine.registry.issuers[number]
    known = issuer.news.mentions.get(mention.headline_id)
    if known is not None and known.revision > mention.revision:
        return {"": SUPERSEDED}
    alerts = issuer.alerts()
    if not alerts:
        return {"": NO_OPEN_ALERT}
    changed = {each.alert_id for each in outputs if isinstance(each, Alert)}
    return {
        state.alert.alert_id: _unchanged(mention, state.case.look_back_ns)
        for state in alerts
        if state.alert.alert_id not in changed
    }


def _unchanged(mention: Mention, look_back_ns: int) -> str:
    if not SILENT.isdisjoint(mention.event_types):
        return NO_CAUSE
    return TOO_OLD if mention.event_ns < look_back_ns else SAME_EVIDENCE
