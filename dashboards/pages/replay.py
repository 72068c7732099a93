"""Replay: how far a run of history is, and what it finds."""

from __future__ import annotations

from dashboards.moves import LISTING_PAGE
from dashboards.pages.page import Page
from dashboards.panels import Panel, Style, link_to, panel, stat, table, target
from dashboards.thresholds import Thresholds
from dashboards.variables import queried

J = 'job="$job"'
RATE = "[$__rate_interval]"
CLOCK = f"max(newsquake_event_clock_timestamp_seconds{{{J}}})"
TO_SERIES = link_to(LISTING_PAGE, "This listing", listing="${__field.labels.listing}")


def page(thresholds: Thresholds) -> Page:
    """Return the page."""
    return Page(
        name="replay",
        title="Newsquake: replay",
        description="How far a replay of history is, how fast, and what it finds.",
        job=thresholds.jobs.replay,
        since="now-15m",
        variables=[
            queried(
                "listing", "Listing", f"label_values(newsquake_price{{{J}}}, listing)", many=True
            )
        ],
        panels=[*_progress(), *_pace(), *_findings()],
    )


def _progress() -> list[Panel]:
    return [
        table(1, "What is replayed", "The name in replay.toml of each history that runs.",
              [("Running", f"max by (name) (newsquake_replay_info{{{J}}})", "short")],
              "name", [], (6, 4)),
        stat(2, "Event time", "Where the replay is in its own time, UTC.", f"{CLOCK} * 1000",
             unit="dateTimeAsIso", width=6),
        stat(3, "Speed", "Seconds of history in a second of the wall clock.",
             f"deriv({CLOCK.replace('max(', '').rstrip(')')}{RATE})", unit="short", width=6),
        stat(4, "History", "How long ago the replayed moment was.", f"time() - {CLOCK}", unit="s",
             width=6),
    ]  # fmt: skip


def _pace() -> list[Panel]:
    return [
        panel(5, "Rows a second", "Price rows by what became of them; late and ineligible change nothing.",
              [target(f"sum by (outcome) (rate(newsquake_engine_rows_total{{{J}}}{RATE}))",
                      "{{outcome}}")], unit="short"),
        panel(6, "Headlines a second", "Headlines scored, and of these the ones about no known company.",
              [target(f"sum(rate(newsquake_headlines_scored_total{{{J}}}{RATE}))", "scored"),
               target(f"sum(rate(newsquake_headlines_unlinked_total{{{J}}}{RATE}))", "unlinked")],
              unit="short"),
        panel(7, "Event time against wall time", "A straight line is an even speed.",
              [target(f"{CLOCK} * 1000", "event time")], unit="dateTimeAsIso"),
        panel(8, "Mentions", "Mentions so far, by what is said.",
              [target(f"sum by (sentiment) (newsquake_mentions_total{{{J}}})", "{{sentiment}}")],
              unit="short"),
    ]  # fmt: skip


def _findings() -> list[Panel]:
    listing = 'job="$job",listing=~"$listing"'
    return [
        panel(9, "Moves of the day", "Against the previous close, in the replay's time.",
              [target(f'max by (listing) (newsquake_move_ratio{{{listing},window="day"}})',
                      "{{listing}}")], unit="percentunit", style=Style(size=(24, 10), links=[TO_SERIES])),
        panel(10, "Levels passed", "So far, by listing, level and direction.",
              [target(f"sum by (listing, level, direction) "
                      f"(newsquake_level_crossings_total{{{listing}}}) > 0",
                      "{{listing}} {{level}} % {{direction}}")], unit="short", style=Style(links=[TO_SERIES])),
        panel(11, "Alerts", "Transitions of alerts so far, by rule.",
              [target(f"sum by (rule, transition) (newsquake_alerts_total{{{J}}})",
                      "{{rule}} {{transition}}")], unit="short"),
        panel(12, "Reactions", "Measured reactions so far, by horizon.",
              [target(f"sum by (horizon) (newsquake_reactions_total{{{J}}})", "{{horizon}}")],
              unit="short"),
        panel(13, "Rejects", "Records that could not be used so far, by stage and reason.",
              [target(f"sum by (stage, reason) (newsquake_rejects_total{{{J}}})",
                      "{{stage}} {{reason}}")], unit="short"),
    ]  # fmt: skip
