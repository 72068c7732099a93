"""The log says whom a headline was linked to, why not, and why no alert came of a move or a Mention."""

from __future__ import annotations

from typing import Any

import pytest

from agents.reacting.config import Rule
from agents.stages.decisions import log_mention, log_moves, log_scored
from streams.events import Alert, Move
from tests.reacting.test_decisions import ISSUER, moved
from tests.reacting.test_found_by_hunting import HONG_KONG, PRE_NS
from tests.scoring.makers import headline, scorer
from tests.strategies import mention

ROOM = "agents.stages.decisions"


def said(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what was logged, one dict a line, and forget it."""
    lines: list[Any] = [each.msg for each in caplog.records]
    caplog.clear()
    return lines


def test_a_headline_is_linked_by_its_evidence_or_to_nobody_for_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = scorer()
    with caplog.at_level("DEBUG", ROOM):
        for title in ("Alibaba lifts AI spending", "Apple pie sales rise"):
            each = headline(title)
            log_scored(room, each, room.score(each))
        linked, unlinked = said(caplog)
    assert (linked["event"], linked["issuer"]) == ("headline linked", "BABA")
    assert linked["evidence"] == ("alias:Alibaba",)
    assert (unlinked["event"], unlinked["why"]) == ("headline not linked", "all_names_refused")
    assert unlinked["refused"] == ["Apple (AAPL): another_meaning"]


def test_a_move_raises_an_alert_or_a_rule_says_why_not(caplog: pytest.LogCaptureFixture) -> None:
    engine, move, alert = moved()
    rules = (Rule(name=alert.rule), Rule(name="hong kong", listings=(HONG_KONG,)))
    with caplog.at_level("DEBUG", ROOM):
        log_moves(engine, rules, [move, alert])
        silent, raised = said(caplog)
    assert (silent["event"], silent["move_id"]) == ("rule not fired", move.move_id)
    assert (silent["rule"], silent["why"]) == ("hong kong", "rule_is_for_other_listings")
    assert (raised["event"], raised["transition"]) == ("alert raised", "opened")
    assert raised["alert_id"] == alert.alert_id


def test_a_mention_that_changes_nothing_says_why(caplog: pytest.LogCaptureFixture) -> None:
    engine, _, alert = moved()
    cause = mention("cause", ISSUER, PRE_NS, event_types=("earnings",))
    stranger = mention("x", "NOBODY", PRE_NS)
    with caplog.at_level("DEBUG", ROOM):
        for each in (cause, cause, stranger):
            log_mention(engine, each, engine.apply(each))
        known, rejected = said(caplog)  # the first one changed the alert, which is an output
    assert (known["event"], known["alert_id"]) == ("mention changes no alert", alert.alert_id)
    assert known["why"] == "shares_are_about_the_same"
    assert (rejected["event"], rejected["reason"]) == ("mention rejected", "unknown_issuer")


def test_nothing_is_asked_where_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    engine, move, alert = moved()
    room, each = scorer(), headline("Apple pie sales rise")
    assert isinstance(move, Move)
    assert isinstance(alert, Alert)
    with caplog.at_level("INFO", ROOM):
        log_moves(engine, (Rule(),), [move, alert])
        log_scored(room, each, [])
    assert said(caplog) == []
