"""The variables of dashboards."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.panels import SOURCE, Panel


def source() -> Panel:
    """Return the variable that names the Prometheus asked."""
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
    }


def job_of(first: str) -> Panel:
    """Return the variable of the job, `first` at first."""
    return {
        **queried("job", "Job", "label_values(newsquake_build_info, job)"),
        "current": {"text": first, "value": first},
    }


def queried(name: str, label: str, query: str, *, many: bool = False) -> Panel:
    """Return a variable whose values Prometheus knows; `many`: several, all at first."""
    variable: Panel = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "definition": query,
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "hide": 0,
        "includeAll": many,
        "multi": many,
    }
    if many:
        everything: Sequence[str] = ["$__all"]
        variable |= {"allValue": ".*", "current": {"text": ["All"], "value": everything}}
    return variable


def chosen(name: str, label: str, values: Sequence[str]) -> Panel:
    """Return a variable of fixed values, the first of them at first."""
    first = values[0]
    return {
        "name": name,
        "label": label,
        "type": "custom",
        "query": ",".join(values),
        "current": {"text": first, "value": first},
        "options": [{"text": v, "value": v, "selected": v == first} for v in values],
        "hide": 0,
        "includeAll": False,
        "multi": False,
    }


def typed(name: str, label: str, value: str) -> Panel:
    """Return a variable that a user may write over."""
    return {
        "name": name,
        "label": label,
        "type": "textbox",
        "query": value,
        "current": {"text": value, "value": value},
        "options": [{"text": value, "value": value, "selected": True}],
        "hide": 0,
    }
