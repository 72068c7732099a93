from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.evaluation.evaluate import evaluate_linking, evaluate_sentiment, evaluate_stories
from streams.errors import InputError
from streams.reference.universe import builtin_universe


def written(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_labels_are_compared_for_both_scorers(file: Path) -> None:
    written(
        file,
        {"title": "Profit falls on weak demand", "label": "negative"},
        {"text": "Revenue beats estimates", "label": "bullish"},
        {"text": "Revenue beats estimates", "label": "Bearish"},
        {"title": "The annual meeting is on Thursday", "label": "neutral"},
    )
    result = evaluate_sentiment(file)
    assert (result["n"], result["skipped"]) == (4, 0)
    direction = result["direction"]
    assert direction["accuracy"] == 0.75
    # F1 of negative 2/3, of neutral 1, of positive 2/3.
    assert direction["macro_f1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3, abs=1e-6)
    assert direction["confusion"]["negative"] == {"negative": 1, "neutral": 0, "positive": 1}
    assert direction["unknown"] == 1
    assert set(result["vader"]) == {"accuracy", "macro_f1", "confusion"}
    assert sum(sum(row.values()) for row in result["vader"]["confusion"].values()) == 4


def test_every_entity_is_a_case(file: Path) -> None:
    entities = [
        {"entity": "Sensex", "sentiment": "negative"},
        {"entity": "Infosys", "sentiment": "positive"},
    ]
    written(file, {"title": "Sensex slips 93 points, Infosys shines", "entities": entities})
    result = evaluate_sentiment(file)
    assert (result["n"], result["rows"]) == (2, 1)
    assert result["direction"]["accuracy"] == 1.0


def test_scores_are_correlated(file: Path) -> None:
    written(
        file,
        {"title": "Acme profit soars to record high", "entity": "Acme", "score": 0.9},
        {"title": "Acme profit falls", "entity": "Acme", "score": -0.4},
        {"title": "Acme meets on Thursday", "entity": "Acme", "score": 0},
    )
    direction = evaluate_sentiment(file)["direction"]
    assert direction["sign_accuracy"] == 1.0
    assert direction["pearson_r"] > 0.9
    assert "accuracy" not in direction


def test_a_constant_side_has_no_correlation(file: Path) -> None:
    written(file, {"title": "Acme meets", "score": 0.5})
    result = evaluate_sentiment(file)
    assert result["direction"]["pearson_r"] is None
    assert result["direction"]["sign_accuracy"] == 0.0


def test_bad_rows_are_counted_with_their_lines(file: Path) -> None:
    written(
        file,
        {"title": "Profit falls", "label": "negative"},
        "{not json",
        "",
        "[1]",
        {"title": "Profit falls", "label": "up"},
        {"label": "negative"},
        {"title": "x", "entities": []},
        {"title": "x", "entities": [{"sentiment": "neutral"}]},
        {"title": "x", "score": "high"},
        {"title": "x"},
    )
    result = evaluate_sentiment(file)
    assert (result["n"], result["skipped"]) == (1, 8)
    assert len(result["skipped_reasons"]) == 5
    assert result["skipped_reasons"][0].startswith("line 2: not JSON")
    assert result["skipped_reasons"][1].startswith("line 4: not_an_object")


@pytest.mark.parametrize("content", ["", "\n\n", "nonsense\n", "\xff"])
def test_a_file_without_a_usable_row_is_an_input_error(file: Path, content: str) -> None:
    file.write_bytes(content.encode("latin-1"))
    for evaluate in (
        evaluate_sentiment,
        evaluate_stories,
        lambda path: evaluate_linking(path, builtin_universe()),
    ):
        with pytest.raises(InputError):
            evaluate(file)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        evaluate_sentiment(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        evaluate_stories(tmp_path)


def test_linking_counts_rows_and_links(file: Path) -> None:
    written(
        file,
        {"title": "Alibaba posts profit", "ticker": "BABA"},
        {"title": "Alibaba posts profit", "ticker": "9988"},
        {"title": "Nvidia and Alibaba partner", "ticker": "NVDA"},
        {"title": "Nothing is said here", "ticker": "NVDA"},
        {"title": "Alibaba and a stranger", "ticker": "STRANGER"},
        {"title": "No ticker"},
    )
    result = evaluate_linking(file, builtin_universe())
    assert (result["n"], result["n_in_universe"], result["skipped"]) == (5, 4, 1)
    assert result["precision"] == 0.75  # three hits, one link too many
    assert result["recall"] == 0.75
    assert result["f1"] == 0.75
    assert result["outside"] == {"n": 1, "links": 1}


def test_stories_are_compared_by_pairs_within_a_day(file: Path) -> None:
    title = "Acme to buy Zebra for $5 billion"
    written(
        file,
        {"published_at": "2013-10-01T12:00:00Z", "title": title, "story": "a"},
        {"published_at": "2013-10-01T10:00:00+00:00", "title": title, "story": "a"},
        {"published_at": "2013-10-01T13:00:00", "title": title, "story": "b"},
        {"published_at": "2013-10-03T13:00:00Z", "title": title, "story": "a"},
        {"published_at": "2013-10-01T14:00:00Z", "title": "Gold slips", "story": "c"},
        {"published_at": 1380636000, "title": "Silver rises in Perth", "story": 7},
        {"published_at": "yesterday", "title": title, "story": "a"},
    )
    result = evaluate_stories(file)
    assert (result["n"], result["pairs"], result["skipped"]) == (6, 1, 1)
    assert result["precision"] == pytest.approx(1 / 3, abs=1e-6)
    assert result["recall"] == 1.0
    assert result["f1"] == 0.5


def test_no_pairs_at_all_is_no_failure(file: Path) -> None:
    written(file, {"published_at": "2013-10-01T12:00:00Z", "title": "Gold slips", "story": "c"})
    assert evaluate_stories(file)["f1"] == 0.0
