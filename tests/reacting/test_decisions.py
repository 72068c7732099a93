"""Why no alert came is said by the rule that decided."""

from __future__ import annotations

from agents.reacting import decisions
from agents.reacting.config import Rule
from agents.reacting.decisions import silent_rules, why_not_updated
from agents.reacting.engine import Engine
from streams.events import DAY_NS, SECOND_NS, Alert, Move
from tests.reacting.test_found_by_hunting import HONG_KONG, NEW_YORK, PRE_NS, Script
from tests.reacting.test_parity import run
from tests.strategies import LISTINGS, mention

ISSUER = LISTINGS[0].issuer


def moved() -> tuple[Engine, Move, Alert]:
    """Return an engine with one alert open: New York 3 % up, by three rows that agree."""
    script = Script()
    script.frame(NEW_YORK, (0, 163.0, False), (1, 168.1, False), (2, 168.1, False))
    script.frame(NEW_YORK, (3, 168.2, False), (4, 168.1, False))
    script.clock(5)
    engine, outputs = run(script.log(), script.records)
    (move,) = [each for each in outputs if isinstance(each, Move)]
    (alert,) = [each for each in outputs if isinstance(each, Alert)]
    return engine, move, alert


def test_each_silent_rule_says_why() -> None:
    engine, move, alert = moved()
    rules = (
        Rule(name=alert.rule),
        Rule(name="hong kong", listings=(HONG_KONG,)),
        Rule(name="from five", levels_pct=(5, 10)),
    )
    assert silent_rules(engine, rules, move) == {
        "hong kong": decisions.OTHER_LISTINGS,
        "from five": decisions.OTHER_LEVELS,
    }
    engine.registry.lines[engine.listings[NEW_YORK]].state.resolved = (alert.alert_id,)
    assert silent_rules(engine, rules[:1], move) == {alert.rule: decisions.ENDED}


def test_each_mention_that_changes_no_alert_says_why() -> None:
    engine, _, alert = moved()
    cause = mention("cause", ISSUER, PRE_NS, event_types=("earnings",))
    outputs = engine.apply(cause)
    assert [each.alert_id for each in outputs if isinstance(each, Alert)] == [alert.alert_id]
    assert why_not_updated(engine, cause, outputs) == {}
    asked = {
        decisions.NO_CAUSE: mention("price", ISSUER, PRE_NS, event_types=("price_report",)),
        decisions.TOO_OLD: mention("old", ISSUER, PRE_NS - 3 * DAY_NS),
    }
    for reason, each in asked.items():
        outputs = engine.apply(each)
        assert outputs == []
        assert why_not_updated(engine, each, outputs) == {alert.alert_id: reason}
    repeat = engine.apply(cause)
    assert why_not_updated(engine, cause, repeat) == {alert.alert_id: decisions.SAME_EVIDENCE}


def test_a_mention_with_no_alert_to_change_says_so() -> None:
    engine, _, _ = moved()
    stranger = mention("x", "NOBODY", PRE_NS)
    assert why_not_updated(engine, stranger, engine.apply(stranger)) == {
        "": decisions.UNKNOWN_ISSUER
    }
    newer = mention("y", ISSUER, PRE_NS, revision=2)
    older = mention("y", ISSUER, PRE_NS, revision=1)
    engine.apply(newer)
    assert why_not_updated(engine, older, engine.apply(older)) == {"": decisions.SUPERSEDED}
    quiet = run(Script().log(), [])[0]
    early = mention("z", ISSUER, PRE_NS - SECOND_NS)
    assert why_not_updated(quiet, early, quiet.apply(early)) == {"": decisions.NO_OPEN_ALERT}
