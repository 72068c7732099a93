"""Write rules, alerts, their unit tests and the Grafana dashboards: `python -m dashboards.build`.

The same thresholds.toml gives the same bytes. `--check` writes nothing and fails where a file is
not what would be written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dashboards import rules
from dashboards.alert import AlertRule
from dashboards.market_alerts import market_alerts
from dashboards.moves import MARKET_INTERVAL
from dashboards.pages import listing, market, pipeline, replay
from dashboards.pipeline_alerts import pipeline_alerts
from dashboards.thresholds import Thresholds, load
from dashboards.yaml_text import Value, to_yaml

FOLDER: Final = Path(__file__).parent
PAGES: Final = (market, listing, pipeline, replay)
ALERT_GROUPS: Final = ("newsquake-market-alerts", "newsquake-pipeline-alerts")
HEADING: Final = "Made by `python -m dashboards.build` from thresholds.toml: change that."


def alerts_of(thresholds: Thresholds) -> list[AlertRule]:
    """Return every alert."""
    return [*market_alerts(thresholds), *pipeline_alerts(thresholds)]


def build(thresholds: Thresholds) -> dict[str, str]:
    """Return every file that is made, by its name."""
    of_market, of_pipeline = [*market_alerts(thresholds)], [*pipeline_alerts(thresholds)]
    groups: list[Value] = [
        _group(ALERT_GROUPS[0], MARKET_INTERVAL, of_market, thresholds),
        _group(ALERT_GROUPS[1], rules.INTERVAL, of_pipeline, thresholds),
    ]
    files = {
        "rules.yml": to_yaml({"groups": rules.groups(thresholds)}, HEADING),
        "alerts.yml": to_yaml({"groups": groups}, HEADING),
        "alerts_test.yml": to_yaml(_tests(thresholds), f"{HEADING}\npromtool test rules FILE"),
    }
    for module in PAGES:
        page = module.page(thresholds)
        files[f"newsquake-{page.name}.json"] = json.dumps(page.json(), indent=2) + "\n"
    return files


def _group(
    name: str, interval: str, alerts: Sequence[AlertRule], thresholds: Thresholds
) -> dict[str, Value]:
    written: list[Value] = [alert.rule(thresholds.links) for alert in alerts]
    return {"name": name, "interval": interval, "rules": written}


def _tests(thresholds: Thresholds) -> dict[str, Value]:
    return {
        "rule_files": ["rules.yml", "alerts.yml"],
        # Without it promtool takes them in any order, and what is recorded comes a step late.
        "group_eval_order": [rules.GROUP, *ALERT_GROUPS],
        "evaluation_interval": "15s",
        "tests": [
            {
                "name": alert.name,
                "interval": "15s",
                "input_series": [
                    {"series": series, "values": values} for series, values in alert.proof.series
                ],
                "alert_rule_test": [*alert.tests(thresholds.links)],
            }
            for alert in alerts_of(thresholds)
        ],
    }


def differing(files: dict[str, str], folder: Path) -> Iterator[str]:
    """Yield what is not as it would be written: files that differ, are missing, or too many."""
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            yield name
    made = {*folder.glob("*.json"), *folder.glob("*.yml")}
    yield from sorted(path.name for path in made if path.name not in files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them; 0: done, or all are as they should be."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where files differ")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where (default: dashboards/)")
    args = parser.parse_args(arguments)
    files = build(load())
    if args.check:
        stale = [*differing(files, args.out)]
        sys.stdout.writelines(f"{args.out / name} is not what is made now\n" for name in stale)
        return 1 if stale else 0
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (args.out / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
