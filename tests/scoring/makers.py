"""Headlines, scorers and universes for the tests of the scoring room."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.scoring.score import Scorer
from streams.events import SECOND_NS, Headline, Issuer, Listing
from streams.reference.universe import Universe, builtin_universe

_MICS = {"NYSE": "XNYS", "Nasdaq": "XNAS", "CBOE": "BATS"}
_ANALYZER = SentimentIntensityAnalyzer()


def compound(text: str) -> float:
    return float(_ANALYZER.polarity_scores(text)["compound"])


def headline(title: str, *, key: str | None = None, at_s: int = 0, **parts: object) -> Headline:
    event_ns = at_s * SECOND_NS
    record: dict[str, object] = {
        "headline_id": key or title,
        "source": "wire",
        "source_key": key or title,
        "title": title,
        "published_ns": event_ns,
        "event_ns": event_ns,
        "known_ns": event_ns,
    }
    return Headline(**{**record, **parts})  # type: ignore[arg-type]


def scorer(score: Callable[[str], float | None] = compound) -> Scorer:
    return Scorer(builtin_universe(), score)


def registered(shared_data: Path) -> Universe:
    """Return every company of the SEC's register, named in no other way than there."""
    issuers: dict[str, Issuer] = {}
    listings: dict[str, Listing] = {}
    path = shared_data / "E1_reference_tickers" / "sec_company_tickers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            mic = _MICS.get(row["exchange"], "OTCM")
            line = Listing(
                listing=f"{row['ticker']}.{mic}",
                issuer=row["cik"],
                symbol=row["ticker"],
                mic=mic,
                currency="USD",
            )
            known = issuers.get(row["cik"])
            lines = (*known.listings, line) if known else (line,)
            issuers[row["cik"]] = Issuer(issuer=row["cik"], name=row["name"], listings=lines)
            listings[line.listing] = line
    return Universe(issuers=issuers, listings=listings)
