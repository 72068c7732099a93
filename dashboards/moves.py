"""The safety net of price moves: the engine's own alerts, as Prometheus can tell them by itself.

The direct path posts the same alert in milliseconds, under the same labels, and tells again and
again until the trade date ends. In Alertmanager both are one alert, which either can end. So this
rule begins with a level crossing and goes on for as long as the engine holds alerts of the rule
open: ending sooner it would end the other's alert, again each minute.
"""

from __future__ import annotations

import re
from typing import Final

from dashboards.alert import Alert, Proof, scraped
from dashboards.rules import IN_REPLAY
from dashboards.thresholds import Jobs, Market

LISTING_PAGE: Final = "newsquake-listing"
MARKET_INTERVAL: Final = "1s"  # of evaluation: with the scrape's, what this path takes at most
AWAY: Final = "2m"  # a process may be away for so long before its alerts count as ended
# No metric says whose alert ended: it is taken to be those whose venue is not in its regular phase.
# A crossing stays in sight for a minute, should scrapes fail, and an end must outlast that; what is
# held open looks back no farther than it must, for another venue's end may be in sight.
BEGUN, BEGUN_AND_ENDED, ENDED = "1m", "70s", "15s"


def move_alert(rule: Market, jobs: Jobs) -> Alert:
    """Return a rule of the engine under the very labels of the direct path."""
    low = rule.levels_pct[0]
    return Alert(
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
    of_rule = f'{{job="{job}",rule="{rule.name}"'
    fired = f'{{alertname="{rule.name}",alertstate="firing",replay="{replay}"}}'

    def ours(samples: str) -> str:
        return samples if replay else f"{samples} unless {IN_REPLAY}"

    def over(span: str) -> str:
        closed = ours(f'newsquake_listing_open{{job="{job}"}}')
        ends = f'{of_rule},transition=~"resolved|retracted"}}'
        ended = ours(f"increase(newsquake_alerts_total{ends}[{span}])")
        return f"on (listing) (max by (listing) ({closed}) == 0 and on () (sum({ended}) > 0))"

    crossed = ours(f"increase(newsquake_level_crossings_total{_watched(rule, job)}[{BEGUN}])")
    held = ours(f"max_over_time(newsquake_alerts_open{of_rule}}}[{AWAY}])")
    return (
        f"(max by (listing, direction) ({crossed}) > 0)\n"
        f"  unless {over(BEGUN_AND_ENDED)}\n"
        f"or max by (listing, direction) (ALERTS{fired})\n"
        f"  and on () (sum({held}) > 0)\n"
        f"  unless {over(ENDED)}"
    )


def _watched(rule: Market, job: str) -> str:
    """Return the selector of the levels and listings of a rule."""
    chosen = f'job="{job}",level=~"{"|".join(map(str, rule.levels_pct))}"'
    if rule.listings:  # as text of a regular expression, within text of PromQL
        escaped = "|".join(map(re.escape, rule.listings)).replace("\\", "\\\\")
        chosen += f',listing=~"{escaped}"'
    return f"{{{chosen}}}"


def _standing() -> str:
    """Return the template of where the listing stands; the rule's own value only says "crossed"."""
    now = 'max(newsquake_move_ratio{listing=%q,window=\\"day\\"})'
    return (
        f'{{{{ with printf "{now}" $labels.listing | query }}}}'
        "{{ . | first | value | humanizePercentage }}{{ else }}an unknown distance{{ end }}"
    )


def _proof(rule: Market) -> Proof:
    """Cross at 2m15s; nothing more happens until the engine ends the alert at 20m."""
    listing, up = "ACME.XNYS", "up"
    crossed = {"listing": listing, "level": str(rule.levels_pct[0]), "direction": up}
    moved = {"listing": listing, "window": "day"}
    ended = {"rule": rule.name, "transition": "resolved"}
    return Proof(
        series=(
            (scraped("newsquake_level_crossings_total", **crossed), "0x8 1x120"),
            (scraped("newsquake_move_ratio", **moved), "0.01x8 0.0325x120"),
            (scraped("newsquake_listing_open", listing=listing), "1x60 0x68"),
            (scraped("newsquake_alerts_open", rule=rule.name), "0x8 1x70 0x50"),
            (scraped("newsquake_alerts_total", **ended), "0x79 1x50"),
        ),
        quiet_at="2m",
        firing_at="2m30s",
        still_at="19m",
        resolved_at="21m",
        since_s=135,
        labels={"listing": listing, "direction": up},
        slots={"move": "3.25%"},
    )
