"""`newsquake eval`: quality of the scorers and of the causes on labelled files."""

from __future__ import annotations

from pathlib import Path

from agents.evaluation.causes import evaluate_causes
from agents.evaluation.causes_account import explain_move, print_figures
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


def run_eval_causes(
    folder: Path, out: Path, explain: tuple[str, str] | None, *, as_table: bool
) -> int:
    """Compare a replay's causes with labels, or print one move (`explain`: symbol, trade date)."""
    if explain:
        explain_move(folder, out, *explain)
        return 0
    result = evaluate_causes(folder, out)
    if as_table:
        print_figures(result)
    else:
        print_json(result)
    return 0
