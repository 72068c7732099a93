"""The safety net of price moves: the engine's own alerts, by way of a scrape.

The direct path posts the same alert in milliseconds, under the same labels, and tells again and
again until the trade date ends. In Alertmanager both are one alert, which either can end. So this
rule fires for just as long as the engine holds the alert open: ending sooner it would end the
other's alert, again each minute.
"""

from __future__ import annotations

from typing import Final

from dashboards.alert import AlertRule, Proof, scraped
from dashboards.rules import IN_REPLAY
from dashboards.thresholds import Jobs, Market

LISTING_PAGE: Final = "newsquake-listing"
MARKET_INTERVAL: Final = "1s"  # of evaluation: with the scrape's, what this path takes at most
AWAY: Final = "2m"  # a process may be away for so long before its alerts count as ended


def move_alert(rule: Market, jobs: Jobs) -> AlertRule:
    """Return a rule of the engine under the very labels of the direct path."""
    low = rule.levels_pct[0]
    return AlertRule(
        name=rule.name,
        expr=f"{_firing(rule, jobs.live, '')}\nor\n"
        f'label_replace(\n{_firing(rule, jobs.replay, "true")}\n, "replay", "true", "", "")',
        severity=rule.severity,
        by=("listing", "direction"),
        summary="{listing} passed a level of the day's move, {direction}",
        description=f"{{listing}} passed a level of {rule.name} (from {low} %) going {{direction}}. "
        "It stands {move} from the previous close (window: day).",
        asked={"move": _standing()},
        dashboard=LISTING_PAGE,
        variables=("listing",),
        proof=_proof(rule),
    )


def _firing(rule: Market, job: str, replay: str) -> str:
    """Return what fires of a job; a replay that is scraped by the live one moves nobody."""
    held = f'last_over_time(newsquake_alert_open{{job="{job}",rule="{rule.name}"}}[{AWAY}])'
    ours = held if replay else f"({held} unless {IN_REPLAY})"
    return f"max by (listing, direction) ({ours}) == 1"


def _standing() -> str:
    """Return the template of where the listing stands; the rule's own value only says "crossed"."""
    now = 'max(newsquake_move_ratio{listing=%q,window=\\"day\\"})'
    return (
        f'{{{{ with printf "{now}" $labels.listing | query }}}}'
        "{{ . | first | value | humanizePercentage }}{{ else }}an unknown distance{{ end }}"
    )


def _proof(rule: Market) -> Proof:
    """Open at 2m; the engine ends the alert at 20m."""
    listing, up = "ACME.XNYS", "up"
    alert = {"rule": rule.name, "listing": listing, "direction": up}
    moved = {"listing": listing, "window": "day"}
    return Proof(
        series=(
            (scraped("newsquake_alert_open", **alert), "_x8 1x70 0x50"),
            (scraped("newsquake_move_ratio", **moved), "0.01x8 0.0325x120"),
        ),
        quiet_at="1m45s",
        firing_at="2m30s",
        still_at="19m",
        resolved_at="21m",
        since_s=120,
        labels={"listing": listing, "direction": up},
        slots={"move": "3.25%"},
    )
