"""Which series there are: those that Newsquake declares, and those of Prometheus itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from agents.metrics.declared import DECLARED, PREFIX
from streams.events import Alert
from streams.explanation import Attribution
from tests.dashboards.promql import asked

ENDINGS = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
TARGET = {"job", "instance", "le"}
# Of Prometheus itself, of Alertmanager, and of any process under prometheus_client.
OTHERS = {
    "ALERTS": {"alertname", "alertstate", "severity", "listing", "direction", "replay", "feed"},
    "alertmanager_notifications_failed_total": {"integration"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "prometheus_notifications_errors_total": {"alertmanager"},
    "scrape_duration_seconds": set(),
    "scrape_samples_scraped": set(),
    "up": set(),
}


def known() -> dict[str, set[str]]:
    """Return every series that can exist, with its labels."""
    ours = {
        f"{PREFIX}_{name}{ending}": {*each.labels}
        for name, each in DECLARED.items()
        for ending in ENDINGS[each.kind]
    }
    return {**ours, **OTHERS}


def strangers(expr: str, records: Collection[str]) -> Iterator[str]:
    """Yield what an expression asks for that nobody makes."""
    series = known()
    for name, labels in asked(expr):
        if name in records:
            continue
        if name not in series:
            yield name
            continue
        yield from (f"{name}{{{label}}}" for label in labels - series[name] - TARGET)


NOBODY = Attribution(
    market_share=0.0,
    unexplained_share=1.0,
    price_led=False,
    late_feed=False,
    other_line=None,
    candidates=(),
)


def an_alert(listing: str, direction: str) -> Alert:
    """Return an alert of the built-in rule."""
    return Alert(
        alert_id="a", rule="day_move", listing=listing, issuer="ACME", trade_date="2026-01-05",
        direction=direction, state="open", transition="opened", severity="warning", opened_ns=1,
        updated_ns=1, session="regular", level_pct=3, price=103.0, return_bps=300.0,
        reference_price=100.0, attribution=NOBODY,
        sentence="",
    )  # fmt: skip
