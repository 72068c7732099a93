"""How many headlines a second one core scores, links, clusters and types, in the pure room."""

from __future__ import annotations

from pathlib import Path

from agents.stages.scorer import make_scorer
from streams.events import Headline, Mention
from streams.news.recorded.files import HeadlineSpec, read_headlines
from streams.reference.universe import builtin_universe
from tests.bench.replay import WEEK, timed

WINTER = "R2_replay_dev_2007-01"
COLUMNS = {
    "id": "id",
    "published": "published_at",
    "title": "title",
    "url": "url",
    "source": "source",
}


def measure(data: Path, scratch: Path, repeats: int) -> dict[str, float]:
    """Return headlines/s over two real wires in the order in which they were known."""
    headlines = [h for folder in (WINTER, WEEK) for h in read(data / folder / "headlines.jsonl")]
    wall_s, cpu_s, mentions = timed(repeats, lambda: scored(headlines))
    return {
        "headlines_per_s": len(headlines) / wall_s,
        "headlines_per_cpu_s": len(headlines) / cpu_s,
        "headlines_linked_share": len({m.headline_id for m in mentions}) / len(headlines),
    }


def read(path: Path) -> list[Headline]:
    """Return the headlines of one file, oldest first."""
    spec = HeadlineSpec(path=path.name, columns=COLUMNS, precision="minute")
    headlines, _ = read_headlines(path, spec)
    return sorted(headlines, key=lambda h: h.known_ns)


def scored(headlines: list[Headline]) -> list[Mention]:
    """Return what a new scorer makes of them; making it is part of the time."""
    scorer = make_scorer(builtin_universe())
    return [mention for headline in headlines for mention in scorer.score(headline)]
