"""Read labelled judgements of sentiment and say how far a scorer agrees with them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from streams.errors import RecordError

LABELS = ("negative", "neutral", "positive")
_SYNONYMS = {"bearish": "negative", "bullish": "positive"}

Row = dict[str, Any]


def text_of(row: Row, *keys: str) -> str:
    """Return the first of these keys that holds a text; raises RecordError without one."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return value
    raise RecordError("missing", f"no text in {' or '.join(keys)}")


def _label(value: object) -> str:
    """Read a label; bearish and bullish are accepted for negative and positive."""
    label = value.strip().lower() if isinstance(value, str) else value
    label = _SYNONYMS.get(label, label) if isinstance(label, str) else label
    if label not in LABELS:
        raise RecordError("label", f"{value!r} is none of {', '.join(LABELS)}")
    return str(label)


class LabelledTitle(msgspec.Struct, frozen=True):
    """One judgement to compare with: a label or a score, of a title or of an entity in it."""

    title: str
    entity: str | None
    alone: bool = True
    label: str | None = None
    score: float | None = None


def cases_of(row: Row) -> list[LabelledTitle]:
    """Turn a sentiment row of any of the three shapes into its cases."""
    title = text_of(row, "title", "text")
    if "entities" in row:
        return _entitycases_of(title, row["entities"])
    if "score" in row:
        score = row["score"]
        if (
            isinstance(score, bool)
            or not isinstance(score, int | float)
            or not math.isfinite(score)
        ):
            raise RecordError("score", f"{score!r} is not a number")
        entity = row.get("entity")
        entity = entity if isinstance(entity, str) and entity.strip() else None
        return [LabelledTitle(title, entity, score=float(score))]
    if "label" not in row:
        raise RecordError("missing", "no label, entities or score")
    return [LabelledTitle(title, None, label=_label(row["label"]))]


def _entitycases_of(title: str, entities: object) -> list[LabelledTitle]:
    """Read `entities: [{entity, sentiment}]`."""
    if not isinstance(entities, list) or not entities:
        raise RecordError("entities", "must be a list that is not empty")
    cases = []
    for entry in entities:
        if not isinstance(entry, dict):
            raise RecordError("entities", "every entity must be an object")
        label = _label(entry.get("sentiment"))
        cases.append(
            LabelledTitle(title, text_of(entry, "entity"), alone=len(entities) == 1, label=label)
        )
    return cases


def agreement(
    cases: Sequence[LabelledTitle], values: Sequence[float], band: float, *, inclusive: bool
) -> dict[str, Any]:
    """Score one scorer's values against all labels and all scores at hand."""
    result: dict[str, Any] = {}
    labelled = [
        (case.label, _as_label(value, band, inclusive=inclusive))
        for case, value in zip(cases, values, strict=True)
        if case.label is not None
    ]
    if labelled:
        result.update(_classification(labelled))
    scored = [
        (case.score, value)
        for case, value in zip(cases, values, strict=True)
        if case.score is not None
    ]
    if scored:
        result.update(_correlation(scored))
    return result


def _as_label(value: float, band: float, *, inclusive: bool) -> str:
    beyond = abs(value) >= band if inclusive else abs(value) > band
    if not beyond:
        return "neutral"
    return "positive" if value > 0 else "negative"


def _classification(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return accuracy, macro-F1 over the three labels, and confusion[true][predicted]."""
    counts = Counter(pairs)
    scores = []
    for label in LABELS:
        hits = counts[label, label]
        predicted = sum(counts[other, label] for other in LABELS)
        actual = sum(counts[label, other] for other in LABELS)
        scores.append(2 * hits / (predicted + actual) if predicted + actual else 0.0)
    return {
        "accuracy": round(sum(counts[label, label] for label in LABELS) / len(pairs), 6),
        "macro_f1": round(sum(scores) / len(LABELS), 6),
        "confusion": {true: {said: counts[true, said] for said in LABELS} for true in LABELS},
    }


def _correlation(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return Pearson's r (None where a side is constant) and how often the signs agree."""
    signs = [_sign(gold) == _sign(said) for gold, said in pairs if gold]
    return {
        "pearson_r": _pearson(pairs),
        "sign_accuracy": round(sum(signs) / len(signs), 6) if signs else None,
    }


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _pearson(pairs: Sequence[tuple[float, float]]) -> float | None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    mean_x, mean_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    covariance = math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread_x = math.fsum((x - mean_x) ** 2 for x in xs)
    spread_y = math.fsum((y - mean_y) ** 2 for y in ys)
    if spread_x <= 0 or spread_y <= 0:
        return None
    return round(covariance / math.sqrt(spread_x * spread_y), 6)
