"""Debug lines of what the pure stages decided: they themselves know no log. Nothing is logged for a tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.codec import Record
from streams.events import Alert, Headline, Mention, Reject
from streams.logs import logger

log = logger(__name__)


def log_scored(headline: Headline, mentions: Sequence[Mention]) -> None:
    """Say to which companies a headline was linked and by what, or that it was linked to none."""
    if not mentions:
        log.debug(
            "headline not linked",
            headline_id=headline.headline_id,
            source=headline.source,
            title=headline.title,
            symbols=headline.symbols,
            why="no company of the universe is named in the title or the symbols beyond doubt",
        )
    for mention in mentions:
        log.debug(
            "headline linked",
            headline_id=mention.headline_id,
            issuer=mention.issuer,
            evidence=mention.evidence,
            relevance=mention.relevance,
            story_id=mention.story_id,
            novelty=mention.novelty,
        )


def log_mention(mention: Mention, outputs: Iterable[Record], *, known: bool) -> None:
    """Say whether a Mention was applied, was known before, or was rejected and why."""
    named = {"headline_id": mention.headline_id, "issuer": mention.issuer}
    for output in outputs:
        if isinstance(output, Reject):
            log.debug("mention rejected", **named, reason=output.reason, detail=output.detail)
            return
    log.debug("mention known" if known else "mention applied", **named, revision=mention.revision)


def log_alert(alert: Alert) -> None:
    """Say that an alert took a new state, and what stands first among its causes."""
    causes = alert.attribution.candidates
    log.debug(
        "alert raised",
        alert_id=alert.alert_id,
        rule=alert.rule,
        transition=alert.transition,
        level_pct=alert.level_pct,
        cause=causes[0].headline_id if causes else None,
    )
