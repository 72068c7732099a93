"""Panels of Grafana as plain dicts, each with what the lint rules want of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

Panel = dict[str, Any]

SOURCE: Final[Panel] = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24  # of Grafana's grid
# Down to up, as prices are coloured in New York; a colour is never the only sign of anything.
SENTIMENT: Final = {"positive": "green", "neutral": "blue", "negative": "red", "unknown": "text"}
Steps = Sequence[tuple[float | None, str]]
PLAIN: Final[Steps] = ((None, "text"),)


def link_to(uid: str, title: str, **variables: str) -> Panel:
    """Return a link to another dashboard that keeps the time and the data source."""
    given = "".join(f"&var-{name}={value}" for name, value in variables.items())
    query = "${datasource:queryparam}&var-job=${job}&${__url_time_range}"
    return {"title": title, "url": f"/d/{uid}?{query}{given}", "targetBlank": False}


def target(expr: str, legend: str = "__auto", *, instant: bool = False) -> Panel:
    """Return one query of a panel; `{{label}}` in a legend is the label's value."""
    form = {"instant": True, "range": False} if instant else {"instant": False, "range": True}
    return {"expr": expr, "legendFormat": legend, "editorMode": "code", **form}


def exemplars(query: Panel) -> Panel:
    """Return a query with dots that lead to single headlines."""
    return {**query, "exemplar": True}


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How a panel looks; `size` is (columns, rows)."""

    kind: str = "timeseries"
    size: tuple[int, int] = (12, 8)
    steps: Steps = PLAIN
    links: Sequence[Panel] = ()
    options: Panel | None = None  # None: those of its kind
    custom: Panel | None = None
    overrides: Sequence[Panel] = ()
    changes: Sequence[Panel] = ()


STYLE: Final = Style()


def panel(
    number: int,
    title: str,
    description: str,
    queries: Sequence[Panel],
    *,
    unit: str,
    style: Style = STYLE,
) -> Panel:
    """Return a panel; `number` is its id for good."""
    lettered = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, **query}
        for at, query in enumerate(queries)
    ]
    defaults: Panel = {
        "unit": unit,
        "color": {"mode": "palette-classic" if style.kind == "timeseries" else "thresholds"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in style.steps],
        },
        "links": list(style.links),
        "custom": style.custom or {},
    }
    return {
        "id": number,
        "type": style.kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"x": 0, "y": 0, "w": style.size[0], "h": style.size[1]},
        "fieldConfig": {"defaults": defaults, "overrides": list(style.overrides)},
        "options": style.options or OPTIONS.get(style.kind, {}),
        "targets": lettered,
        "transformations": list(style.changes),
    }


_READ: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
OPTIONS: Final[dict[str, Panel]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"colorMode": "value", "graphMode": "area", "reduceOptions": _READ},
    "bargauge": {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": _READ},
    "table": {"showHeader": True, "cellHeight": "sm"},
    "heatmap": {"calculate": True, "yAxis": {"unit": "percentunit"}, "tooltip": {"mode": "single"}},
    "state-timeline": {"mergeValues": True, "showValue": "never"},
}


def stat(
    number: int,
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = "short",
    width: int = 4,
    steps: Steps = PLAIN,
) -> Panel:
    """Return one large number and its course."""
    queries = [target(expr, title)]
    size = (width, 4)
    return panel(
        number,
        title,
        description,
        queries,
        unit=unit,
        style=Style(kind="stat", size=size, steps=steps),
    )


def table(
    number: int,
    title: str,
    description: str,
    columns: Sequence[tuple[str, str, str]],
    by: str,
    links: Sequence[Panel],
    size: tuple[int, int] = (12, 10),
) -> Panel:
    """Return a table of one row a `by`; a column is (name, query, unit)."""
    queries = [{**target(expr, instant=True), "format": "table"} for _, expr, _ in columns]
    letters = [chr(ord("A") + at) for at in range(len(columns))]
    # One query alone keeps the bare name of its value.
    fields = [f"Value #{letter}" for letter in letters] if len(columns) > 1 else ["Value"]
    names = {field: name for field, (name, _, _) in zip(fields, columns, strict=True)}
    units = [_override(name, {"unit": unit}) for name, _, unit in columns]
    return panel(
        number,
        title,
        description,
        queries,
        unit="short",
        style=Style(
            kind="table",
            size=size,
            overrides=[*units, _override(by, {"links": list(links)})],
            changes=[
                {"id": "merge", "options": {}},
                {
                    "id": "organize",
                    "options": {
                        "excludeByName": {"Time": True, "__name__": True},
                        "renameByName": names,
                    },
                },
            ],
        ),
    )


def _override(field: str, properties: Panel) -> Panel:
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def coloured(colours: dict[str, str]) -> list[Panel]:
    """Return overrides that give series of these names their colours."""
    return [
        _override(name, {"color": {"mode": "fixed", "fixedColor": colour}})
        for name, colour in colours.items()
    ]


def text(number: int, title: str, description: str, content: str, size: tuple[int, int]) -> Panel:
    """Return words in Markdown."""
    words = panel(number, title, description, [], unit="short", style=Style(kind="text", size=size))
    return {**words, "options": {"mode": "markdown", "content": content}}


def laid_out(panels: Sequence[Panel]) -> list[Panel]:
    """Return the panels in rows from left to right; a row is as high as its first."""
    x = y = height = 0
    placed = []
    for each in panels:
        width = each["gridPos"]["w"]
        if x + width > COLUMNS:
            x, y = 0, y + height
        height = each["gridPos"]["h"] if x == 0 else max(height, each["gridPos"]["h"])
        placed.append({**each, "gridPos": {**each["gridPos"], "x": x, "y": y}})
        x += width
    return placed
