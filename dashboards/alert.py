"""What an alert is here: its rule, the words it says, and the proof that it fires and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from dashboards.thresholds import Links
from dashboards.yaml_text import Value

WINDOW_S: Final = 3600  # what a dashboard shows on either side of an alert's beginning
_SINCE: Final = "(max(ALERTS_FOR_STATE{{{labels}}}) or vector(time()))"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A unit test: series of samples every 15 s, and when the alert is quiet, fires, has ended.

    `slots` are the words that its texts have when it fires, at `still_at` too where that is given;
    `since_s` is when it began. An alert that is never quiet says why in `always`.
    """

    series: tuple[tuple[str, str], ...]
    firing_at: str
    still_at: str = ""
    quiet_at: str = "0s"
    resolved_at: str = ""
    since_s: int = 0
    labels: Mapping[str, str] = {}
    slots: Mapping[str, str] = {}
    always: str = ""


def scraped(metric_name: str, /, **labels: str) -> str:
    """Return a series of a proof, as the live job has it."""
    shown = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f'{metric_name}{{job="newsquake",instance="a"{shown}}}'


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """One alerting rule. Its texts have slots: {value}, labels of `by`, and those of `asked`."""

    name: str
    expr: str
    severity: str
    summary: str
    description: str
    proof: Proof
    by: tuple[str, ...] = ()  # the labels of the expression
    value: str = "humanize"  # the function of Prometheus' templates that writes the value
    asked: Mapping[str, str] = {}  # slot -> template of its own
    hold: str = ""
    keep: str = ""
    dashboard: str = "newsquake-pipeline"
    variables: tuple[str, ...] = ()  # labels that the dashboard has a variable for

    @property
    def anchor(self) -> str:
        """Return the place of its page in RUNBOOK.md."""
        return self.name.lower()

    def rule(self, links: Links) -> dict[str, Value]:
        """Return the rule as Prometheus reads it."""
        words = {label: f"{{{{ $labels.{label} }}}}" for label in self.by}
        words["value"] = f"{{{{ $value | {self.value} }}}}"
        quoted = {label: f"{{{{ $labels.{label} | urlquery }}}}" for label in self.by}
        spans = {"from": self._moment(-WINDOW_S), "to": self._moment(WINDOW_S)}
        rule: dict[str, Value] = {"alert": self.name, "expr": self.expr}
        rule |= {"for": self.hold} if self.hold else {}
        rule |= {"keep_firing_for": self.keep} if self.keep else {}
        rule["labels"] = {"severity": self.severity}
        rule["annotations"] = self._said(links, {**words, **self.asked}, {**quoted, **spans})
        return rule

    def tests(self, links: Links) -> list[dict[str, Value]]:
        """Return what promtool must find: nothing, the alert in full, nothing."""
        proof = self.proof
        moments = {
            name: f"{(proof.since_s + offset) * 1000}"
            for name, offset in (("from", -WINDOW_S), ("to", WINDOW_S))
        }
        fired: dict[str, Value] = {
            "exp_labels": {"severity": self.severity, **proof.labels},
            "exp_annotations": self._said(
                links, {**proof.labels, **proof.slots}, {**proof.labels, **moments}
            ),
        }
        seen: list[tuple[str, list[Value]]] = [(proof.firing_at, [fired])]
        seen += [(proof.still_at, [fired])] if proof.still_at else []
        if not proof.always:
            seen = [(proof.quiet_at, []), *seen, (proof.resolved_at, [])]
        return [
            {"eval_time": at, "alertname": self.name, "exp_alerts": alerts} for at, alerts in seen
        ]

    def _said(
        self, links: Links, words: Mapping[str, str], quoted: Mapping[str, str]
    ) -> dict[str, Value]:
        """Return the annotations, their slots filled with words and, in links, quoted ones."""
        return {
            "summary": self.summary.format_map(words),
            "description": self.description.format_map(words),
            "runbook_url": links.runbook.format(anchor=self.anchor),
            "dashboard_url": self._link(links).format_map(quoted),
        }

    def _link(self, links: Links) -> str:
        variables = "".join(f"&var-{name}={{{name}}}" for name in self.variables)
        return f"{links.grafana}/d/{self.dashboard}?from={{from}}&to={{to}}{variables}"

    def _moment(self, offset_s: int) -> str:
        """Return the template of an instant around the alert's beginning, in ms since 1970.

        A rule cannot ask when its alert began. Prometheus keeps it as a series, which at the very
        first evaluation is not there yet.
        """
        labels = "".join(f",{label}=%q" for label in self.by)
        since = _SINCE.format(labels=f"alertname=%q{labels}")
        names = "".join(f" $labels.{label}" for label in self.by)
        query = f"1000 * ({since} + {offset_s})".replace("+ -", "- ")
        return (
            f'{{{{ with printf "{query}" "{self.name}"{names} | query }}}}'
            '{{ . | first | value | printf "%.0f" }}{{ end }}'
        )
