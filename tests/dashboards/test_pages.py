"""The dashboards by the rules that users of others' dashboards have missed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dashboards.build import FOLDER, PAGES
from dashboards.thresholds import load
from tests.dashboards.series import strangers

Json = dict[str, Any]
PAGE_FILES = sorted(FOLDER.glob("newsquake-*.json"))
UIDS = {"newsquake-market", "newsquake-listing", "newsquake-pipeline", "newsquake-replay"}
# Grafana's own ids of units (packages/grafana-data/src/valueFormats/categories.ts).
UNITS = {"short", "none", "percentunit", "s", "bytes", "cps", "dateTimeAsIso"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
BUILT_IN = {"__all", "__from", "__to", "__rate_interval", "__url_time_range"}
FIELDS = {"__field.labels.listing", "__field.labels.issuer", "__data.fields.listing"}

each_page = pytest.mark.parametrize("path", PAGE_FILES, ids=lambda path: path.stem)


def read(path: Any) -> Json:
    page: Json = json.loads(path.read_text("utf-8"))
    return page


def queries(page: Json) -> Iterator[tuple[str, str]]:
    """Yield (where, expression) of everything that a page asks."""
    for panel in page["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['id']}", target["expr"]
    for mark in page["annotations"]["list"]:
        yield mark["name"], mark["expr"]


def every(value: Any, key: str) -> Iterator[Any]:
    """Yield what stands under a key, anywhere."""
    if isinstance(value, dict):
        yield from (inner for name, inner in value.items() if name == key)
        for inner in value.values():
            yield from every(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from every(inner, key)


def test_there_are_four_with_ids_for_good() -> None:
    assert {read(path)["uid"] for path in PAGE_FILES} == UIDS
    assert {path.stem for path in PAGE_FILES} == UIDS
    assert len(PAGES) == len(UIDS)


@each_page
def test_a_page_is_as_provisioned_ones_must_be(path: Any) -> None:
    page = read(path)
    assert page["editable"] is False
    assert page["timezone"] == "utc"
    assert page["refresh"] == "5s"
    assert page["title"]
    assert page["description"]
    assert page["tags"] == ["newsquake"]
    assert "id" not in page, "a number of one Grafana's own"
    assert page["schemaVersion"] >= 39


@each_page
def test_the_source_is_chosen_and_never_fixed(path: Any) -> None:
    text, page = path.read_text("utf-8"), read(path)
    assert "__inputs" not in text
    assert "DS_PROMETHEUS" not in text
    assert page["templating"]["list"][0]["type"] == "datasource"
    sources = list(every(page, "datasource"))
    assert sources
    assert all(source == SOURCE for source in sources)


@each_page
def test_every_panel_says_what_it_shows(path: Any) -> None:
    panels = read(path)["panels"]
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"]
        assert panel["targets"] or panel["type"] == "text"
    assert len({panel["title"] for panel in panels}) == len(panels)
    for unit in every([panel["fieldConfig"]["overrides"] for panel in panels], "unit"):
        assert unit in UNITS


@each_page
def test_ids_are_unique_and_nothing_lies_on_anything(path: Any) -> None:
    panels = read(path)["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels)


@each_page
def test_rows_have_no_holes(path: Any) -> None:
    widths: dict[int, int] = {}
    for panel in read(path)["panels"]:
        grid = panel["gridPos"]
        widths[grid["y"]] = widths.get(grid["y"], 0) + grid["w"]
    assert set(widths.values()) == {24}


@each_page
def test_every_series_exists_with_its_labels(path: Any) -> None:
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text("utf-8"))["groups"][0]["rules"]
    records = {rule["record"] for rule in rules}
    for where, expr in queries(read(path)):
        assert list(strangers(expr, records)) == [], (where, expr)
        assert expr.count("(") == expr.count(")"), (where, expr)


@each_page
def test_rates_follow_the_scrape_interval_and_the_zoom(path: Any) -> None:
    # A fixed span only where a title or a description names it: an hour, a day, 15 minutes.
    spans = {"1m": "minute", "15m": "15 minutes", "1h": "hour", "24h": "24 hours"}
    for panel in read(path)["panels"]:
        words = f"{panel['title']} {panel['description']}"
        for target in panel["targets"]:
            for span in re.findall(r"\[([^\]]+)\]", target["expr"]):
                assert span == "$__rate_interval" or spans[span] in words, (span, words)


@each_page
def test_two_jobs_do_not_mix(path: Any) -> None:
    for where, expr in queries(read(path)):
        series = re.findall(
            r"(?:newsquake_\w+|\w+:newsquake_\w+:\w+|up|process_\w+|scrape_\w+)\{", expr
        )
        bare = re.findall(
            r"\b(newsquake_\w+)(?![\w{:])", re.sub(r"\w+:newsquake_\w+:\w+", "", expr)
        )
        assert bare == [], (where, expr)
        assert expr.count('job="$job"') == len(series), (where, expr)


@each_page
def test_variables_and_links_lead_somewhere(path: Any) -> None:
    page = read(path)
    names = {variable["name"] for variable in page["templating"]["list"]}
    pages = {each["uid"]: each for each in map(read, PAGE_FILES)}
    used = set(re.findall(r"\$\{([\w.]+)(?::\w+)?\}|\$(\w+)", json.dumps(page)))
    for name in {a or b for a, b in used} - BUILT_IN - FIELDS:
        assert name in names, name
    for url in filter(None, [*every(page, "url")]):
        match = re.match(r"/d/([\w-]+)\?", url)
        if match is None:
            assert url.startswith("${newsquake}/api/"), url
            continue
        there = {v["name"] for v in pages[match[1]]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", url)) <= there, url
        assert "${__url_time_range}" in url


def test_an_alert_leads_to_its_listing_and_from_there_to_headlines() -> None:
    market, listing = (
        read(FOLDER / "newsquake-market.json"),
        read(FOLDER / "newsquake-listing.json"),
    )
    alerts = next(panel for panel in market["panels"] if panel["title"] == "Alerts")
    assert any("/d/newsquake-listing" in url for url in every(alerts, "url"))
    price = next(p for p in listing["panels"] if p["title"] == "Price and headlines")
    (headlines, _) = price["fieldConfig"]["defaults"]["links"]
    assert headlines["url"].endswith("/api/headlines?listing=${listing}&from=${__from}&to=${__to}")
    assert [m["name"] for m in listing["annotations"]["list"] if "Headlines" in m["name"]]


def test_the_lines_of_moves_are_those_of_the_thresholds() -> None:
    listing = read(FOLDER / "newsquake-listing.json")
    moves = next(panel for panel in listing["panels"] if panel["title"] == "Moves")
    steps = [s["value"] for s in moves["fieldConfig"]["defaults"]["thresholds"]["steps"]][1:]
    lines = [level / 100 for level in load().market[0].lines_pct]
    assert steps == sorted(steps) == [*(-x for x in lines[::-1]), *lines]


def test_links_from_alerts_name_panels_and_variables_that_exist() -> None:
    text = (FOLDER / "alerts.yml").read_text("utf-8")
    pages = {each["uid"]: each for each in map(read, PAGE_FILES)}
    for uid, rest in re.findall(r"dashboard_url: '?\"?http://[^/]+/d/([\w-]+)(.*)", text):
        names = {variable["name"] for variable in pages[uid]["templating"]["list"]}
        assert set(re.findall(r"&var-(\w+)=", rest)) <= names


def test_the_api_that_is_linked_to_is_where_newsquake_serves_it() -> None:
    from agents.config.newsquake import WEB_PORT

    assert load().links.api.endswith(f":{WEB_PORT}")
