"""`newsquake eval`: quality of the scorers on labelled files."""

from __future__ import annotations

from pathlib import Path

from agents.evaluation.evaluate import evaluate_linking, evaluate_sentiment, evaluate_stories
from agents.machine.terminal import print_json
from streams.reference.universe import builtin_universe, load_universe


def run_eval(what: str, file: Path, universe: Path | None) -> int:
    """Measure one scorer on a labelled file and print the result as JSON."""
    if what == "sentiment":
        result = evaluate_sentiment(file)
    elif what == "linking":
        result = evaluate_linking(file, load_universe(universe) if universe else builtin_universe())
    else:
        result = evaluate_stories(file)
    print_json(result)
    return 0
