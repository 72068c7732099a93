"""Measure the scorers on somebody's labelled file: `newsquake eval sentiment|linking|stories`.

Every function reads JSONL and returns one JSON-ready dict. A bad row is counted in `skipped`
with the reasons of the first few; a file without one usable row raises InputError.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.evaluation.agreement import Row, agreement, cases_of, text_of
from agents.evaluation.labelled import read_rows
from agents.scoring.linking import Linker
from agents.scoring.sentiment import NEUTRAL_BAND, direction_of
from agents.scoring.stories import StoryIndex
from agents.scoring.text import prepare
from streams.errors import RecordError
from streams.events import DAY_NS, SECOND_NS
from streams.reference.universe import Universe

VADER_BAND = 0.05  # the thresholds of vaderSentiment's own documentation


def evaluate_sentiment(path: Path) -> dict[str, Any]:
    """Compare `vader` and `direction` with labels or scores.

    vader is positive from +.05 and negative from -.05; a direction within .05 of 0 and an
    unknown one count as neutral (as 0, against scores). Raises InputError.
    """
    groups, skipped = read_rows(path, cases_of)
    cases = [case for group in groups for case in group]
    analyzer = SentimentIntensityAnalyzer()
    vader = [float(analyzer.polarity_scores(case.title)["compound"]) for case in cases]
    known = [direction_of(case.title, case.entity, alone=case.alone) for case in cases]
    direction = [value if value is not None else 0.0 for value in known]
    return {
        "n": len(cases),
        "rows": len(groups),
        "vader": agreement(cases, vader, VADER_BAND, inclusive=True),
        "direction": {
            **agreement(cases, direction, NEUTRAL_BAND, inclusive=False),
            "unknown": sum(value is None for value in known),
        },
        **skipped.report(),
    }


def _ratios(hits: int, said: int, actual: int) -> dict[str, float]:
    """Return precision, recall and F1; 0 where nothing was said or nothing was there."""
    return {
        "precision": round(hits / said, 6) if said else 0.0,
        "recall": round(hits / actual, 6) if actual else 0.0,
        "f1": round(2 * hits / (said + actual), 6) if said + actual else 0.0,
    }


def evaluate_linking(path: Path, universe: Universe) -> dict[str, Any]:
    """Compare the linked issuers of each title with the ticker an editor gave it.

    Micro-averaged over the rows whose ticker is a symbol of the universe: a link is right if
    the ticker is among its issuer's symbols. The other rows cannot be linked rightly; they are
    counted in `outside`, with their links, and leave precision and recall alone. `top` judges
    only the most relevant link of each row. Raises InputError.
    """
    rows, skipped = read_rows(
        path, lambda row: (text_of(row, "title"), text_of(row, "ticker").strip())
    )
    symbols = {
        issuer.issuer: {line.symbol.upper() for line in issuer.listings}
        for issuer in universe.issuers.values()
    }
    known = set().union(*symbols.values()) if symbols else set()
    linker = Linker(list(universe.issuers.values()))
    counts: Counter[str] = Counter()
    for title, ticker in rows:
        links = linker.link(prepare(title))
        if ticker.upper() not in known:
            counts["outside_links"] += len(links)
            continue
        right = [ticker.upper() in symbols[link.issuer] for link in links]
        best = max(range(len(links)), key=lambda i: links[i].relevance, default=None)
        counts["inside"] += 1
        counts["links"] += len(links)
        counts["hits"] += any(right)
        counts["right_links"] += sum(right)
        counts["top"] += bool(links)
        counts["top_hits"] += best is not None and right[best]
    return {
        "n": len(rows),
        "n_in_universe": counts["inside"],
        **_linking_ratios(counts),
        "top": _ratios(counts["top_hits"], counts["top"], counts["inside"]),
        "outside": {"n": len(rows) - counts["inside"], "links": counts["outside_links"]},
        **skipped.report(),
    }


def _linking_ratios(counts: Counter[str]) -> dict[str, float]:
    """Return the ratios of all links, each row having one right answer."""
    wrong = counts["links"] - counts["right_links"]
    return _ratios(counts["hits"], counts["hits"] + wrong, counts["inside"])


def _instant_ns(text: str) -> int:
    """Read an ISO-8601 instant; without an offset it is UTC. Raises RecordError."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise RecordError("published_at", f"{text!r} is not an ISO-8601 instant") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return round(instant.timestamp()) * SECOND_NS


def _story_row(row: Row) -> tuple[int, str, str]:
    """Read one headline of a story; its time is ISO-8601 or seconds since 1970."""
    story, published = row.get("story"), row.get("published_at")
    if not isinstance(story, str | int) or story == "":
        raise RecordError("missing", "no story")
    if isinstance(published, int | float) and not isinstance(published, bool):
        return round(published * SECOND_NS), text_of(row, "title"), str(story)
    return _instant_ns(text_of(row, "published_at")), text_of(row, "title"), str(story)


def evaluate_stories(path: Path) -> dict[str, Any]:
    """Compare our stories with given ones, over all pairs of headlines within 24 h.

    The rows are read in the order of time. Raises InputError.
    """
    rows, skipped = read_rows(path, _story_row)
    rows.sort(key=lambda row: row[0])
    index = StoryIndex()
    ours = [
        index.assign(str(number), title, (), event_ns)[0]
        for number, (event_ns, title, _) in enumerate(rows)
    ]
    times = [event_ns for event_ns, _, _ in rows]
    said = _pairs(ours, times)
    given = _pairs([story for _, _, story in rows], times)
    return {
        "n": len(rows),
        "stories": len(set(ours)),
        "pairs": len(given),
        **_ratios(len(said & given), len(said), len(given)),
        **skipped.report(),
    }


def _pairs(groups: Sequence[str], times: Sequence[int]) -> set[tuple[int, int]]:
    """Return the pairs of rows in one group and within a day of each other; times ascend."""
    members: dict[str, list[int]] = defaultdict(list)
    pairs = set()
    for row, group in enumerate(groups):
        for earlier in reversed(members[group]):
            if times[row] - times[earlier] > DAY_NS:
                break
            pairs.add((earlier, row))
        members[group].append(row)
    return pairs
