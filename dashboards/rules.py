"""The recording rules: what alerts and panels ask for often, computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboards.thresholds import Thresholds
from dashboards.yaml_text import Value

CROSSINGS: Final = "listing:newsquake_level_crossings:increase1m"
SILENCE: Final = "listing:newsquake_silence_seconds:max"
MENTIONS: Final = "issuer:newsquake_mentions:increase"
BALANCE: Final = "issuer:newsquake_sentiment_balance:ratio"
LATENCY: Final = "stage:newsquake_stage_latency_seconds:p{}"
QUANTILES: Final = (50, 95, 99)
# The instant path posts alerts in milliseconds; this one, its safety net, is a second behind.
MARKET_INTERVAL: Final = "1s"
INTERVAL: Final = "15s"

# A process of a replay says so of itself, whatever job it is scraped under.
IN_REPLAY: Final = "on (job, instance) (newsquake_replay_info == 1)"


def groups(thresholds: Thresholds) -> list[Value]:
    """Return the groups of rules.yml."""
    return [
        _group("newsquake-market", MARKET_INTERVAL, _market()),
        _group("newsquake-pipeline", INTERVAL, _pipeline(thresholds)),
    ]


def _group(name: str, interval: str, rules: Iterator[tuple[str, str]]) -> Value:
    recorded: list[Value] = [{"record": record, "expr": expr} for record, expr in rules]
    return {"name": name, "interval": interval, "rules": recorded}


def _market() -> Iterator[tuple[str, str]]:
    grew = "increase(newsquake_level_crossings_total[1m])"
    by = "max by (listing, level, direction)"
    yield (
        CROSSINGS,
        f"{by} ({grew} unless {IN_REPLAY})\n"
        f'or\nlabel_replace({by} ({grew} and {IN_REPLAY}), "replay", "true", "", "")',
    )


def _pipeline(thresholds: Thresholds) -> Iterator[tuple[str, str]]:
    tick = "newsquake_last_tick_timestamp_seconds"
    yield SILENCE, f"time() - max by (job, listing) ({tick} unless {IN_REPLAY})"
    burst, shock = thresholds.headline_burst, thresholds.sentiment_shock
    mentions = "newsquake_mentions_total"
    yield MENTIONS, f"sum by (job, issuer) (increase({mentions}[{burst.window}]))"

    def said(sentiments: str) -> str:
        chosen = f'{mentions}{{sentiment=~"{sentiments}"}}[{shock.window}]'
        return f"sum by (job, issuer) (increase({chosen}))"

    heard = f"{said('positive|negative|neutral')} >= {shock.at_least}"
    yield BALANCE, f"({said('positive')}\n  - {said('negative')})\n/ ({heard})"
    buckets = "newsquake_stage_latency_seconds_bucket"
    window = thresholds.headline_latency.window
    for percent in QUANTILES:
        rates = f"sum by (job, stage, le) (rate({buckets}[{window}]))"
        yield LATENCY.format(percent), f"histogram_quantile({percent / 100}, {rates})"
