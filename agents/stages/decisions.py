"""Debug lines of what the pure stages decided, which know no log themselves. Nothing is logged for a tick.

The rooms say why when asked (agents/scoring/decisions.py, agents/reacting/decisions.py), which costs
more than deciding did: they are asked only where the lines are wanted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from agents.reacting.config import Rule
from agents.reacting.decisions import silent_rules, why_not_updated
from agents.reacting.engine import Engine
from agents.scoring.score import Scorer
from streams.events import Alert, Headline, Mention, Move, Output, Reject
from streams.logs import logger

log = logger(__name__)


def log_scored(scorer: Scorer, headline: Headline, mentions: Sequence[Mention]) -> None:
    """Say to which companies a headline was linked and by what, or that it was linked to none and why."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    decision = scorer.decision(headline)
    refused = [f"{each.written} ({each.issuer}): {each.reason}" for each in decision.refused]
    if not mentions:
        log.debug(
            "headline not linked",
            headline_id=headline.headline_id,
            source=headline.source,
            title=headline.title,
            symbols=headline.symbols,
            why=decision.reason,
            refused=refused,
        )
    for mention in mentions:
        log.debug(
            "headline linked",
            headline_id=mention.headline_id,
            issuer=mention.issuer,
            evidence=mention.evidence,
            refused=refused,
            relevance=mention.relevance,
            story_id=mention.story_id,
            novelty=mention.novelty,
        )


def log_mention(engine: Engine, mention: Mention, outputs: Sequence[Output]) -> None:
    """Say why a Mention that was just applied changed no alert, or was rejected."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    named = {"headline_id": mention.headline_id, "issuer": mention.issuer}
    for output in outputs:
        if isinstance(output, Reject):
            log.debug("mention rejected", **named, reason=output.reason, detail=output.detail)
            return
    for alert_id, why in why_not_updated(engine, mention, outputs).items():
        log.debug("mention changes no alert", **named, alert_id=alert_id or None, why=why)


def log_moves(engine: Engine, rules: Sequence[Rule], outputs: Iterable[Output]) -> None:
    """Say which alerts outputs raise, and why a rule raised none of a move; the engine made them just now."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    for output in outputs:
        if isinstance(output, Move):
            for rule, why in silent_rules(engine, rules, output).items():
                log.debug("rule not fired", move_id=output.move_id, rule=rule, why=why)
        elif isinstance(output, Alert):
            _log_alert(output)


def _log_alert(alert: Alert) -> None:
    causes = alert.attribution.candidates
    log.debug(
        "alert raised",
        transition=alert.transition,
        alert_id=alert.alert_id,
        rule=alert.rule,
        level_pct=alert.level_pct,
        cause=causes[0].headline_id if causes else None,
    )
