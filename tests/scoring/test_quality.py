"""What the scorers reach on public labelled data; floors, a little under what was measured."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.evaluation.evaluate import evaluate_linking, evaluate_sentiment, evaluate_stories
from agents.scoring.linking import Linker
from tests.scoring.makers import registered


def rows(path: Path, keep: Callable[[dict[str, object]], object], out: Path) -> Path:
    """Copy the rows that are kept into a file of their own, outside the repository."""
    lines = path.read_text("utf-8").splitlines()
    chosen = [line for line in lines if keep(json.loads(line))]
    out.write_text("\n".join(chosen), "utf-8")
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("agreed", "accuracy", "macro_f1"), [(50, 0.78, 0.75), (100, 0.9, 0.88)])
def test_phrases(
    shared_data: Path, tmp_path: Path, agreed: int, accuracy: float, macro_f1: float
) -> None:
    source = shared_data / "A1_financial_phrasebank" / "data.jsonl"
    part = rows(source, lambda row: int(str(row["agree"])) >= agreed, tmp_path / "rows.jsonl")
    result = evaluate_sentiment(part)
    assert result["direction"]["accuracy"] >= accuracy
    assert result["direction"]["macro_f1"] >= macro_f1
    if agreed == 50:  # vaderSentiment itself, as others have measured it
        assert result["vader"]["accuracy"] == pytest.approx(0.543, abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "accuracy", "macro_f1"), [(True, 0.77, 0.77), (False, 0.66, 0.66)])
def test_headlines_with_entities(
    shared_data: Path, tmp_path: Path, one: bool, accuracy: float, macro_f1: float
) -> None:
    source = shared_data / "A2_sentfin_dev" / "dev.jsonl"

    def keep(row: dict[str, object]) -> bool:
        entities = row["entities"]
        assert isinstance(entities, list)
        return (len(entities) == 1) is one

    result = evaluate_sentiment(rows(source, keep, tmp_path / "rows.jsonl"))
    assert result["direction"]["accuracy"] >= accuracy
    assert result["direction"]["macro_f1"] >= macro_f1


@pytest.mark.slow
def test_tickers_among_all_registered_companies(shared_data: Path, tmp_path: Path) -> None:
    universe = registered(shared_data)
    started = time.process_time()
    Linker(list(universe.issuers.values()))
    assert time.process_time() - started < 2
    source = shared_data / "E2_ticker_linking_dev" / "dev.jsonl"
    part = rows(source, lambda row: row["survivor_2025"], tmp_path / "rows.jsonl")
    result = evaluate_linking(part, universe)
    assert result["n_in_universe"] == result["n"]
    assert result["precision"] >= 0.92
    assert result["recall"] >= 0.83


@pytest.mark.slow
def test_story_threads(shared_data: Path) -> None:
    result = evaluate_stories(shared_data / "F1_story_threads_dev" / "dev_2013-10.jsonl")
    assert result["precision"] >= 0.7  # many "wrong" pairs are one title filed in two threads
    assert result["f1"] >= 0.65
