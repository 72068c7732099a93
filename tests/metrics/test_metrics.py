"""The metrics of a run and of workers: all there at 0, and after the Alibaba day what its outputs say."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.broker.connection import Connection
from agents.config.newsquake import MetricsFile
from agents.delivery.service import dispatcher_of, outbox_of_run
from agents.ingest.feed_health import FeedHealth
from agents.ingest.feed_metrics import NewsCollector
from agents.metrics import market as metrics_market
from agents.metrics import stages
from agents.metrics.declared import DECLARED, GROUPS, PREFIX, REJECTS, ProcessMetrics
from agents.metrics.endpoint import Exposure, exposure
from agents.metrics.exposition import written
from agents.metrics.market import MarketMeter
from agents.metrics.run import PublisherCollector, RunMeter
from agents.reacting.config import DAY_LEVELS_PCT, Rule
from agents.reacting.reactions import HORIZONS
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from agents.replay.play.watching import ObservingWatcher, Watcher, Watchers
from agents.scoring.sentiment import SENTIMENTS, sentiment_of
from agents.stages import published_engine
from agents.stages.published_engine import PublishedEngine
from agents.workers.faust_app import make_app
from agents.workers.meter import WorkerMeter
from agents.workers.react import of_partition
from streams.errors import UsageError
from streams.events import (
    PRICE_SCALE,
    SECOND_NS,
    TRANSITIONS,
    Alert,
    Flag,
    Headline,
    Mention,
    Output,
    Reject,
    TickFrame,
)
from streams.news.seen_items import SeenItems
from streams.prices.framer import frames
from streams.rhythm import Expect
from streams.topics import APPS, DELIVER, REACT, SCORE, partition_of
from tests.dashboards.tools import need
from tests.metrics.scraping import OPENMETRICS, Scrape, joined, parsed, scraped
from tests.running import demo_day, records, summary_of

SETS_NO_LAST = Flag.no_last | Flag.official_close | Flag.official_open | Flag.corrected_close
SEEN = Exposure(port=0, replay="a day")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def day(base: Path) -> Inputs:
    return read_inputs(demo_day(base)[0] / "replay", (Rule(),), lambda _: None)


class Log:
    """Where records go, all of them at once."""

    backlog, acknowledged = 3, 1000


def replay(day: Inputs, meter: RunMeter, out: Path) -> None:
    for reject in day.rejects:
        meter.observer.made(reject)
    backend = LocalBackend(meter.observer.engine(day.engine))
    options = ReplayOptions(watcher=ObservingWatcher(meter.observer))
    Replay(day, out, backend, options).run()


@pytest.fixture(scope="module")
def after(day: Inputs, base: Path) -> Scrape:
    """What is said of the day when it is over."""
    meter = RunMeter(SEEN, day.engine, day.universe)
    replay(day, meter, base / "after")
    with meter.serving(print, PublisherCollector(Log())) as address:
        return scraped(address)


# -- before anything


@contextmanager
def worker(app_id: str, begin: Callable[[WorkerMeter], object]) -> Iterator[str]:
    """Serve the metrics of a worker that has not met its broker yet; yield its address."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app, _ = make_app(Connection(servers=("127.0.0.1:9",)), app_id, 4)
    meter = WorkerMeter(Exposure(port=0))
    begin(meter)
    try:
        with meter.serving(app, app_id, APPS[app_id], {}, print) as address:
            yield address
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.fixture
def fresh(day: Inputs, tmp_path: Path) -> Iterator[Scrape]:
    """What all kinds of processes say at their start, as if they were one."""
    starts: list[tuple[str, Callable[[WorkerMeter], object]]] = [
        (SCORE, lambda meter: meter.scores(day.universe)),
        (REACT, lambda meter: meter.reacts(day.engine, 4)),
        (DELIVER, lambda meter: meter.delivers()),
    ]
    run = RunMeter(SEEN, day.engine, day.universe)
    engine = run.observer.engine(day.engine)  # as long as it is looked into
    assert engine.clock_ns < 0
    config = tmp_path / "newsquake.toml"
    config.write_text('[[alertmanagers]]\nname = "am"\nurl = "http://127.0.0.1:9"\n')
    with ExitStack() as stack:
        open_ = partial(outbox_of_run, tmp_path)
        stack.enter_context(dispatcher_of(config, open_, print, sheet=run.metrics, linger_s=0.0))
        addresses = [stack.enter_context(run.serving(print, PublisherCollector(Log())))]
        addresses += [stack.enter_context(worker(*start)) for start in starts]
        book = stack.enter_context(closing(SeenItems(tmp_path / "news.sqlite")))
        metrics, health = ProcessMetrics(), FeedHealth({"wire": Expect()}, book)
        metrics.registry.register(NewsCollector(lambda: health))
        feeds = parsed("text/plain", written(metrics.registry, (), openmetrics=False).decode())
        yield joined(*map(scraped, addresses), feeds)


def test_every_metric_is_there_from_the_start(fresh: Scrape) -> None:
    for name, declared in DECLARED.items():
        family = fresh.families[f"{PREFIX}_{name}"]
        assert (family.type, family.documentation) == (declared.kind, declared.help)
    ours = {name.removeprefix(f"{PREFIX}_") for name in fresh.families if name.startswith(PREFIX)}
    assert ours == set(DECLARED)
    assert "process_cpu_seconds" in fresh.families


def test_every_series_that_counts_is_there_at_0(fresh: Scrape, day: Inputs) -> None:
    for name, declared in DECLARED.items():
        if declared.kind != "gauge":
            family = fresh.families[f"{PREFIX}_{name}"]
            assert family.samples, name
            assert {sample.value for sample in family.samples} == {0.0}, name
            names = {frozenset(s.labels) - {"le"} for s in family.samples}
            assert names == {frozenset(declared.labels)}, name
    listings = {listing.listing for listing in day.engine.listings}
    crossings = fresh.rows("level_crossings_total")
    assert len(crossings) == len(listings) * len(DAY_LEVELS_PCT) * 2
    assert fresh.labels_of("level_crossings_total", "listing") == listings
    assert fresh.labels_of("mentions_total", "sentiment") == set(SENTIMENTS)
    assert fresh.labels_of("mentions_total", "issuer") == set(day.universe.issuers)
    assert fresh.labels_of("alerts_total", "transition") == set(TRANSITIONS)
    assert fresh.labels_of("reactions_total", "horizon") == set(HORIZONS)
    assert fresh.labels_of("stage_latency_seconds_count", "stage") == {"score", "react", "deliver"}


def test_no_gauge_pretends_to_know(fresh: Scrape) -> None:
    """0 is a price; a listing of which nothing is known has none."""
    for name in ("price", "previous_close", "last_tick_timestamp_seconds", "move_ratio"):
        assert fresh.rows(name) == {}
    assert set(fresh.rows("listing_open").values()) == {0.0}
    assert set(fresh.rows("alerts_open").values()) == {0.0}
    assert fresh.value("replay_info", name="a day") == 1.0
    assert fresh.value("publisher_backlog_records") == 3.0


# -- after the day


def test_crossings_are_the_moves(after: Scrape, base: Path) -> None:
    moves = Counter(
        (move["listing"], str(move["level_pct"]), move["direction"])
        for move in records(demo_day(base)[0], "moves")
    )
    assert moves
    found = {
        (labels["listing"], labels["level"], labels["direction"]): value
        for labels, value in plain(after, "level_crossings_total")
        if value
    }
    assert found == moves


def plain(scrape: Scrape, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for labels, value in scrape.rows(name).items()]


@pytest.mark.parametrize(
    ("metric", "file", "keys"),
    [
        ("alerts_total", "alerts_log", ("rule", "transition")),
        ("reactions_total", "reactions", ("horizon",)),
        ("rejects_total", "rejects", ("stage", "reason")),
    ],
)
def test_counters_are_the_outputs(
    after: Scrape, base: Path, metric: str, file: str, keys: tuple[str, ...]
) -> None:
    wanted = Counter(tuple(row[key] for key in keys) for row in records(demo_day(base)[0], file))
    assert wanted
    found = {tuple(ls[key] for key in keys): v for ls, v in plain(after, metric) if v}
    assert found == wanted


def test_mentions_and_headlines_are_those_scored(after: Scrape, base: Path) -> None:
    out = demo_day(base)[0]
    mentions, headlines = records(out, "mentions"), records(out, "headlines")
    wanted = Counter((m["issuer"], sentiment_of(m["direction"])) for m in mentions)
    found = {(ls["issuer"], ls["sentiment"]): v for ls, v in plain(after, "mentions_total") if v}
    assert found == wanted
    linked = {(m["headline_id"], m["revision"]) for m in mentions}
    assert after.value("headlines_scored_total") == len(headlines)
    assert after.value("headlines_unlinked_total") == len(headlines) - len(linked)


class Opened(Watcher):
    """Asks for the metrics whenever an alert has opened or ended."""

    def __init__(self, look: Callable[[], dict[Any, float]]) -> None:
        self._look = look
        self.seen: list[tuple[str, float | None]] = []

    def record(self, record: Headline | Mention | Output) -> None:
        if isinstance(record, Alert) and record.transition in {"opened", "resolved"}:
            named = {
                "rule": record.rule, "listing": record.listing, "direction": record.direction,
            }  # fmt: skip
            self.seen.append((record.transition, self._look().get(frozenset(named.items()))))


def test_an_alert_is_1_while_it_is_open_and_0_after_it(day: Inputs, tmp_path: Path) -> None:
    meter = RunMeter(SEEN, day.engine, day.universe)
    with meter.serving(print, PublisherCollector(Log())) as address:

        def look() -> dict[Any, float]:
            engine.publish()  # else the view may be a second old
            rows = scraped(address).families[f"{PREFIX}_alert_open"].samples
            return {frozenset(row.labels.items()): row.value for row in rows}

        watcher = Opened(look)
        both = Watchers([ObservingWatcher(meter.observer), watcher])
        engine = meter.observer.engine(day.engine)
        assert isinstance(engine, PublishedEngine)
        Replay(day, tmp_path, LocalBackend(engine), ReplayOptions(frame=500, watcher=both)).run()
        assert watcher.seen
        assert set(watcher.seen) == {("opened", 1.0), ("resolved", 0.0)}
        assert set(look().values()) == {0.0}


def test_prices_are_the_last_accepted_ones(after: Scrape, day: Inputs, base: Path) -> None:
    refused = [msgspec.json.decode(r["record"]) for r in records(demo_day(base)[0], "rejects")]
    bad = {(row["listing"], row["ts_ns"], row["price"]) for row in refused}
    last: dict[str, tuple[int, int]] = {}
    rows = day.rows
    for at in range(len(rows)):
        name, ts_ns, price = (
            rows.listings[rows.listing[at]], int(rows.ts_ns[at]), int(rows.price[at]),
        )  # fmt: skip
        if (name, ts_ns, price) not in bad and not rows.flags[at] & SETS_NO_LAST:
            last[name] = (ts_ns, price)
    prices = {ls["listing"]: v for ls, v in plain(after, "price")}
    times = {ls["listing"]: v for ls, v in plain(after, "last_tick_timestamp_seconds")}
    assert prices == {name: price / PRICE_SCALE for name, (_, price) in last.items()}
    assert times == {name: pytest.approx(ts_ns / SECOND_NS) for name, (ts_ns, _) in last.items()}


def test_the_days_moves_and_rows(after: Scrape, day: Inputs, base: Path) -> None:
    price = after.value("price", listing="BABA.XNYS", currency="USD")
    close = after.value("previous_close", listing="BABA.XNYS", currency="USD")
    move = after.value("move_ratio", listing="BABA.XNYS", window="day")
    assert move == pytest.approx(price / close - 1)
    assert move > 0.08
    outcomes = {ls["outcome"]: v for ls, v in plain(after, "engine_rows_total")}
    summary = summary_of(demo_day(base)[0])
    assert sum(outcomes.values()) == len(day.rows) == summary["ticks"]
    assert outcomes["late"] == summary["late"]
    assert outcomes["accepted"] > 0.99 * len(day.rows)
    assert set(after.rows("alerts_open").values()) == {0.0}
    lags = [v for ls, v in plain(after, "news_to_move_seconds_count")]
    assert sum(lags) == sum(
        bool(a["attribution"]["candidates"])
        and a["transition"] == "opened"
        and a["attribution"]["candidates"][0]["lag_s"] >= 0
        for a in records(demo_day(base)[0], "alerts_log")
    )


def test_a_replay_measures_no_latency(after: Scrape) -> None:
    """Its events are of another day."""
    assert set(after.rows("stage_latency_seconds_count").values()) == {0.0}


def test_openmetrics_says_the_same(day: Inputs, base: Path, after: Scrape) -> None:
    meter = RunMeter(SEEN, day.engine, day.universe)
    replay(day, meter, base / "again")
    with meter.serving(print, PublisherCollector(Log())) as address:
        other = scraped(address, OPENMETRICS)
    assert other.kind.startswith("application/openmetrics-text")
    assert other.text.endswith("# EOF\n")
    examples = {
        sample.exemplar.labels["headline_id"]
        for family in other.families.values()
        for sample in family.samples
        if sample.exemplar
    }
    causes = (a["attribution"]["candidates"] for a in records(demo_day(base)[0], "alerts_log"))
    assert examples
    assert examples <= {each[0]["headline_id"] for each in causes if each}
    ours = {key: v for key, v in other.samples.items() if key[0].startswith(PREFIX)}
    assert ours == {key: v for key, v in after.samples.items() if key[0].startswith(PREFIX)}


def test_promtool_has_nothing_to_say(after: Scrape) -> None:
    done = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=after.text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- bounds, partitions


def test_what_has_no_place_counts_as_other(
    day: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_market, "MOST_LISTINGS", 2)
    monkeypatch.setattr(stages, "MOST_ISSUERS", 1)
    meter = RunMeter(SEEN, day.engine, day.universe)
    with meter.serving(print) as address:
        begun = scraped(address)
        replay(day, meter, tmp_path)
        ended = scraped(address)
    named = {listing.listing for listing in day.engine.listings[:2]}
    first = next(iter(day.universe.issuers))
    for scrape in (begun, ended):
        assert scrape.labels_of("level_crossings_total", "listing") == {*named, "other"}
        assert scrape.labels_of("mentions_total", "issuer") == {first, "other"}
        beyond = len(day.engine.listings) - 2
        assert scrape.value("label_overflow_total", metric="price") == beyond
    assert ended.labels_of("price", "listing") <= named
    moves, mentions = records(tmp_path, "moves"), records(tmp_path, "mentions")
    other = sum(v for ls, v in plain(ended, "level_crossings_total") if ls["listing"] == "other")
    assert other == sum(move["listing"] not in named for move in moves)
    overflow = {ls["metric"]: v for ls, v in plain(ended, "label_overflow_total")}
    assert overflow["level_crossings"] == other
    assert overflow["mentions"] == sum(mention["issuer"] != first for mention in mentions)


def test_a_reason_that_nobody_declared_is_other() -> None:
    meter = RunMeter(Exposure(port=0))
    meter.observer.made(Reject(stage="react", reason="x", detail="", ts_ns=None, record=""))
    with meter.serving(print) as address:
        found = scraped(address)
    assert found.value("rejects_total", stage="react", reason="other") == 1
    assert found.value("label_overflow_total", metric="rejects") == 1


def test_every_reason_of_a_reject_is_declared() -> None:
    documented = re.findall(r"^\| (`.*?) \|", text_of("replay-folder.md"), re.MULTILINE)
    reasons = {word for cell in documented for word in re.findall(r"`([a-z_]+)`", cell)}
    declared = {reason for of_stage in REJECTS.values() for reason in of_stage}
    assert reasons == declared


def test_a_partition_takes_its_listings_along(day: Inputs) -> None:
    """What another worker has is that one's to tell; what was counted stays counted."""
    owned = [0, 1]
    metrics = ProcessMetrics()
    market = MarketMeter(metrics, day.engine, 2, lambda: owned)

    def look() -> Scrape:
        document = written(metrics.registry, market.families(openmetrics=False), openmetrics=False)
        return parsed("text/plain", document.decode())

    engines = [market.engine(of_partition(day.engine, p, 2), p) for p in owned]
    homes = [
        {x.listing for x in day.engine.listings if partition_of(x.issuer, 2) == p} for p in owned
    ]
    whole, ticks = look(), frame_of(day)
    assert whole.labels_of("listing_open", "listing") == homes[0] | homes[1]
    for engine in engines:
        engine.apply(ticks)
    both = look().value("engine_rows_total", outcome="accepted")
    assert both > 0
    market.released()
    owned.remove(1)
    market.engine(of_partition(day.engine, 0, 2), 0)
    left = look()
    for name in ("listing_open", "level_crossings_total"):
        assert left.labels_of(name, "listing") == homes[0]
    assert left.value("engine_rows_total", outcome="accepted") == both


def frame_of(day: Inputs) -> TickFrame:
    return next(iter(frames(day.rows, 0, 500, 500, day.name)))


# -- looks while the engine works


def test_scrapes_disturb_nothing_and_see_whole_states(
    day: Inputs, tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_engine, "LONGEST_PAUSE_S", 0.02)  # the day takes but a second
    meter = RunMeter(SEEN, day.engine, day.universe)
    over, seen, faults = threading.Event(), list[list[float]](), list[Exception]()

    def look(address: str, accept: str) -> None:
        rows = list[float]()
        try:
            while not over.is_set():
                found = scraped(address, accept)
                rows.append(sum(found.rows("engine_rows_total").values()))
                assert len(found.rows("level_crossings_total")) == len(day.engine.listings) * 12
        except (OSError, AssertionError, ValueError) as fault:
            faults.append(fault)
        seen.append(rows)

    with meter.serving(print, PublisherCollector(Log())) as address:
        lookers = [
            threading.Thread(target=look, args=(address, accept))
            for accept in ("text/plain", "text/plain", OPENMETRICS)
        ]
        for looker in lookers:
            looker.start()
        replay(day, meter, tmp_path)
        over.set()
        for looker in lookers:
            looker.join()
    assert faults == []
    for rows in seen:
        assert rows == sorted(rows)
    assert max(len(set(rows)) for rows in seen) > 2  # views came in between
    sha = [summary_of(out)["output_sha256"] for out in (tmp_path, demo_day(base)[0])]
    assert sha[0] == sha[1]


# -- points of event time


def test_points_of_event_time_are_in_openmetrics_alone(day: Inputs) -> None:
    meter = RunMeter(Exposure(port=0, event_time=True), day.engine, day.universe)
    engine = meter.observer.engine(day.engine)
    engine.apply(frame_of(day))
    with meter.serving(print) as address:
        text, other = scraped(address), scraped(address, OPENMETRICS)
    assert " 17" not in re.sub(r"(?m)^[^n].*$|^newsquake_(?!price).*$", "", text.text)
    points = [s for s in other.families["newsquake_price"].samples if s.timestamp is not None]
    assert points
    assert len(points) == len(other.families["newsquake_price"].samples)
    by_listing: dict[str, list[float]] = {}
    for point in points:
        by_listing.setdefault(point.labels["listing"], []).append(float(point.timestamp))
    assert all(times == sorted(set(times)) for times in by_listing.values())
    assert max(len(times) for times in by_listing.values()) > 1


# -- ports, pages


def test_a_workers_port_is_behind_its_runs() -> None:
    assert Exposure(port=9464).of_worker(3) == ("--metrics-port", "9467")
    assert Exposure(port=0).of_worker(3) == ("--metrics-port", "0")
    assert Exposure().of_worker(3) == ()
    with pytest.raises(UsageError, match="give a lower one"):
        Exposure(port=65_535).of_worker(1)
    assert exposure(MetricsFile(port=1), 2).port == 2
    assert exposure(MetricsFile(port=1), None).port == 1


def test_the_page_has_every_metric_as_it_is_declared() -> None:
    page = text_of("metrics.md")
    for title, group in GROUPS.items():
        section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (\S.*?) \|$", section, re.MULTILINE)
        found = {
            name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows
        }
        wanted = {
            f"{PREFIX}_{name}{'_total' * (d.kind == 'counter')}": (d.kind, d.labels)
            for name, d in group.items()
        }
        assert found == wanted, title


def text_of(page: str) -> str:
    return (Path(__file__).resolve().parents[2] / "docs" / page).read_text("utf-8")
