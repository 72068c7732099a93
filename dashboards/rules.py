"""The recording rules: what alerts and panels ask for often, computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboards.thresholds import Thresholds
from dashboards.yaml_text import Value

SILENCE: Final = "listing:newsquake_silence_seconds:max"
MENTIONS: Final = "issuer:newsquake_mentions:increase"
BALANCE: Final = "issuer:newsquake_sentiment_balance:ratio"
LATENCY: Final = "stage:newsquake_stage_latency_seconds:p{}"
QUANTILES: Final = (50, 95, 99)
GROUP: Final = "newsquake"
INTERVAL: Final = "15s"

# A process of a replay says so of itself, whatever job it is scraped under. What it counted stays
# in the windows of rules for some minutes after its end, and so must this.
IN_REPLAY: Final = "on (job, instance) (max_over_time(newsquake_replay_info[5m]) == 1)"


def groups(thresholds: Thresholds) -> list[Value]:
    """Return the one group of rules.yml."""
    rules: list[Value] = [{"record": record, "expr": expr} for record, expr in _rules(thresholds)]
    return [{"name": GROUP, "interval": INTERVAL, "rules": rules}]


def _rules(thresholds: Thresholds) -> Iterator[tuple[str, str]]:
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
