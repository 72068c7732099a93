"""What a dashboard is, and what all have in common: variables, links, times."""

from __future__ import annotations

from typing import Final

import msgspec

from dashboards.panels import Panel, laid_out
from dashboards.variables import job_of, source

SCHEMA: Final = 39  # Grafana 11.0's; newer ones carry it forward themselves
TAG: Final = "newsquake"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One dashboard; `job` is what it shows at first, `since` how far back it looks."""

    name: str
    title: str
    description: str
    job: str
    variables: list[Panel]
    panels: list[Panel]
    marks: list[Panel] = []  # in time, on every panel
    since: str = "now-1h"

    def json(self) -> Panel:
        """Return it as Grafana reads it."""
        return {
            "uid": f"{TAG}-{self.name}",
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "utc",
            "time": {"from": self.since, "to": "now"},
            "refresh": "5s",
            "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m"]},
            "links": [_LINK],
            "templating": {"list": [source(), job_of(self.job), *self.variables]},
            "annotations": {"list": self.marks},
            "panels": laid_out(self.panels),
        }


_LINK: Final[Panel] = {
    "title": "Newsquake",
    "type": "dashboards",
    "tags": [TAG],
    "asDropdown": True,
    "keepTime": True,
    "includeVars": False,
    "targetBlank": False,
}
