"""Cut the result of a replay down to what a person checks: the golden form.

`python -m tests.scenarios.compacting OUT > tests/scenarios/NAME/expected.json` writes a golden anew;
read its difference before keeping it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.running import Plain, records, summary_of

COUNTED = ("ticks", "headlines", "mentions", "reactions", "moves", "alerts", "late", "rejected")
MOVE_KEYS = ("listing", "direction", "level_pct", "ts_ns", "session", "price", "reference_price")
TRANSITION_KEYS = ("listing", "updated_ns", "transition", "state", "level_pct")


def compact(out: Path) -> dict[str, Any]:
    """Return counts, moves, alert transitions and ranked causes; shares to three decimals."""
    summary = summary_of(out)
    return {
        "counts": {key: summary[key] for key in COUNTED},
        "moves": [[move[key] for key in MOVE_KEYS] for move in records(out, "moves")],
        "transitions": [
            [state[key] for key in TRANSITION_KEYS] for state in records(out, "alerts_log")
        ],
        "causes": {alert["listing"]: _causes(alert) for alert in records(out, "alerts")},
        "rejects": [[reject["reason"], reject["ts_ns"]] for reject in records(out, "rejects")],
    }


def text_of(golden: dict[str, Any]) -> str:
    """Return the golden as JSON with one row a line, so that a difference can be read."""
    parts = []
    for name, value in golden.items():
        if isinstance(value, list):
            rows = ",\n    ".join(json.dumps(row) for row in value)
            parts.append(f'"{name}": [\n    {rows}\n  ]')
        else:
            shown = json.dumps(value, indent=2).replace("\n", "\n  ")
            parts.append(f'"{name}": {shown}')
    return "{\n  " + ",\n  ".join(parts) + "\n}\n"


def _causes(alert: Plain) -> dict[str, Any]:
    attribution = alert["attribution"]
    other = attribution["other_line"] or {}
    return {
        "ranked": {c["title"]: round(c["share"], 3) for c in attribution["candidates"]},
        "market": round(attribution["market_share"], 3),
        "sector": round(attribution["sector_share"], 3),
        "unexplained": round(attribution["unexplained_share"], 3),
        "leader": other.get("leader"),
    }


if __name__ == "__main__":
    sys.stdout.write(text_of(compact(Path(sys.argv[1]))))
