"""A scrape, as Prometheus makes it, and what it says as plain values."""

from __future__ import annotations

import urllib.request
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
# Local servers are asked past any proxy that the environment names.
_asker = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Labels = frozenset[tuple[str, str]]


class Scrape(NamedTuple):
    """The families of one answer, and every sample by name and labels."""

    kind: str  # content type
    text: str
    families: dict[str, Metric]
    samples: dict[tuple[str, Labels], float]

    def value(self, name: str, /, **labels: str) -> float:
        return self.samples[f"newsquake_{name}", frozenset(labels.items())]

    def rows(self, name: str) -> dict[Labels, float]:
        """Return the samples of one name, by their labels."""
        full = f"newsquake_{name}"
        return {labels: v for (found, labels), v in self.samples.items() if found == full}

    def labels_of(self, name: str, label: str) -> set[str]:
        return {dict(labels)[label] for labels in self.rows(name)}


def scraped(address: str, accept: str = "text/plain") -> Scrape:
    request = urllib.request.Request(address, headers={"Accept": accept})
    with _asker.open(request, timeout=10) as answer:
        return parsed(answer.headers["Content-Type"], answer.read().decode())


def parsed(kind: str, text: str) -> Scrape:
    parse = (
        openmetrics.text_string_to_metric_families
        if kind.startswith("application/openmetrics-text")
        else text_string_to_metric_families
    )
    return joined(Scrape(kind, text, {family.name: family for family in parse(text)}, {}))


def joined(*parts: Scrape) -> Scrape:
    """Return what several processes say, as if they were one."""
    families: dict[str, Metric] = {}
    for part in parts:
        for name, family in part.families.items():
            if family.samples or name not in families:
                families[name] = family
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for part in parts
        for family in part.families.values()
        for sample in family.samples
    }
    return Scrape(parts[0].kind, parts[0].text, families, samples)
