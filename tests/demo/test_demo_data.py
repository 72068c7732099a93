"""The demo day: the same bytes each time, true to the published levels, quiet elsewhere."""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import feedparser
import numpy as np
import polars as pl
import pytest

from agents.demo import write_alibaba_day
from agents.demo.levels import ALIBABA_HK, ALIBABA_NY, LINES, MARKET_US, OTHERS
from agents.demo.news import FEEDS, DemoItem, read_items
from agents.demo.prices import MILLISECOND_NS, ListingDay, utc_ns
from streams.events import I64, PRICE_SCALE, SECOND_NS

README = Path(__file__).resolve().parents[2] / "agents" / "demo" / "README.md"
BAD_PRINTS = {"9988.XHKG": 192_000_000, "BABA.XNYS": 147_500_000}
UTC_DAY_START_NS = utc_ns("00:00")
HOUR_NS = 3600 * SECOND_NS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a freshly written demo folder."""
    written = tmp_path_factory.mktemp("alibaba")
    write_alibaba_day(written)
    return written


def trades(folder: Path, listing: str, *, with_bad: bool = False) -> tuple[I64, I64]:
    """Return the times and the prices (millionths) of a listing's file."""
    frame = pl.read_parquet(folder / "prices" / f"{listing}.parquet")
    price = np.rint(frame["price"].to_numpy() * PRICE_SCALE).astype(np.int64)
    ts_ns = frame["time"].to_numpy()
    keep = np.full(price.size, True) if with_bad else price != BAD_PRINTS.get(listing, -1)
    return ts_ns[keep], price[keep]


def between(ts_ns: I64, price: I64, start: str, end: str) -> I64:
    """Return the prices of the trades in [start, end)."""
    return price[(ts_ns >= utc_ns(start)) & (ts_ns < utc_ns(end))]


def first_pass(folder: Path, listing: str, close: float, level_pct: int) -> int | None:
    """Return when a listing first trades at or past a level, as DESIGN 4.6 tests it."""
    ts_ns, price = trades(folder, listing)
    base = round(close * PRICE_SCALE)
    passed = np.flatnonzero(100 * (price - base) >= level_pct * base)
    return int(ts_ns[passed[0]]) if passed.size else None


def clock(ts_ns: int) -> str:
    """Return the UTC time of day with milliseconds."""
    seconds, rest_ns = divmod(ts_ns - UTC_DAY_START_NS, SECOND_NS)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}.{rest_ns // MILLISECOND_NS:03d}"


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_a_second_run_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_alibaba_day(tmp_path)
    write_alibaba_day(tmp_path)  # over its own files
    assert digests(tmp_path) == digests(folder)
    assert len(digests(folder)) == 5 + len(FEEDS) + len(LINES)


def test_replay_toml_names_the_files_and_says_synthetic(folder: Path) -> None:
    text = (folder / "replay.toml").read_text()
    described = tomllib.loads(text)
    assert described["replay"]["name"] == "alibaba-2025-09-24"
    assert described["replay"]["benchmark"] == MARKET_US.listing == "SPY.XNYS"
    stanzas = described["headlines"] + described["prices"] + described["daily"]
    assert all((folder / stanza["path"]).is_file() for stanza in stanzas)
    assert {stanza["source"] for stanza in described["headlines"]} == {
        "demo-wire",
        "demo-outlet",
        "demo-aggregator",
        "demo-filings",
    }
    assert "SYNTHETIC" in text
    assert "synthetic" in (folder / "README.md").read_text()


def test_declared_columns_are_in_the_files(folder: Path) -> None:
    described = tomllib.loads((folder / "replay.toml").read_text())
    for stanza in described["prices"]:
        present = pl.read_parquet_schema(folder / stanza["path"])
        assert set(stanza["columns"].values()) <= set(present)
        assert ("conditions" in present) == ("conditions_format" in stanza)
        assert present["time"] == pl.Int64


def test_universe_and_previous_closes_cover_every_price_file(folder: Path) -> None:
    with (folder / "universe.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    listings = {f"{row['symbol']}.{row['mic']}" for row in rows}
    assert {line.listing for line in LINES} <= listings
    assert {row["benchmark"] for row in rows} - {""} <= listings
    alibaba = next(row for row in rows if row["symbol"] == "BABA")
    assert alibaba["shares_per_unit"] == "8"
    assert "Qwen~product" in alibaba["aliases"].split("|")
    with (folder / "daily.csv").open() as handle:
        closes = {row["symbol"]: row["close"] for row in csv.DictReader(handle)}
    assert closes["9988"] == "159.40"
    assert closes["BABA"] == "163.08"
    assert set(closes) == {line.symbol for line in LINES}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.listing)
def test_times_run_forward_on_whole_milliseconds(folder: Path, line: ListingDay) -> None:
    ts_ns, price = trades(folder, line.listing, with_bad=True)
    assert np.all(np.diff(ts_ns) >= 0)
    assert np.all(ts_ns % MILLISECOND_NS == 0)
    assert np.all(price > 0)


def test_hong_kong_runs_through_the_published_levels(folder: Path) -> None:
    ts_ns, price = trades(folder, "9988.XHKG")
    assert (ts_ns[0], price[0]) == (utc_ns("01:30:00"), 158_500_000)
    assert price.max() == 174_900_000
    assert price[ts_ns < utc_ns("08:00")][-1] == 174_000_000
    assert between(ts_ns, price, "04:00", "05:00").size == 0
    auction = between(ts_ns, price, "08:00", "24:00")
    assert auction.size > 0
    assert np.all(auction == 174_000_000)
    assert utc_ns("08:08") <= ts_ns[-1] < utc_ns("08:10")


def test_new_york_runs_through_the_published_levels(folder: Path) -> None:
    ts_ns, price = trades(folder, "BABA.XNYS")
    assert price[0] == 178_010_000
    assert ts_ns[0] - utc_ns("08:00") < SECOND_NS
    at_open = np.flatnonzero(ts_ns >= utc_ns("13:30"))[0]
    assert (ts_ns[at_open], price[at_open]) == (utc_ns("13:30:00"), 175_980_000)
    assert price.max() == between(ts_ns, price, "13:30", "20:00").max() == 180_160_000
    assert between(ts_ns, price, "13:30", "20:00")[-1] == 176_440_000
    frame = pl.read_parquet(folder / "prices" / "BABA.XNYS.parquet")
    official = frame.filter(pl.col("conditions") == "M")
    assert official["price"].to_list() == [176.44]
    assert clock(official["time"][0]) == "20:00:03.011"
    assert between(ts_ns, price, "20:00:05", "24:00").size > 1000


def test_pre_market_stays_between_eight_and_ten_percent(folder: Path) -> None:
    ts_ns, price = trades(folder, "BABA.XNYS")
    pre = between(ts_ns, price, "08:00", "13:30")
    assert pre.min() >= 176_126_400
    assert pre.max() < 179_388_000
    first = price[:3]
    assert ts_ns[2] - ts_ns[0] < 2 * SECOND_NS
    assert first.max() - first.min() < 0.005 * first.min()
    assert len(set(first.tolist())) == 3  # three prints of one price would not confirm each other


@pytest.mark.parametrize(
    ("level_pct", "earliest", "latest"),
    [(3, "02:06", "02:15"), (5, "02:25", "02:40"), (8, "02:45", "03:15")],
)
def test_hong_kong_levels_follow_the_news(
    folder: Path, level_pct: int, earliest: str, latest: str
) -> None:
    passed_ns = first_pass(folder, "9988.XHKG", ALIBABA_HK.previous_close, level_pct)
    assert passed_ns is not None
    assert utc_ns(earliest) <= passed_ns < utc_ns(latest)


def test_only_new_york_passes_ten_percent_in_its_regular_phase(folder: Path) -> None:
    assert first_pass(folder, "9988.XHKG", ALIBABA_HK.previous_close, 10) is None
    passed_ns = first_pass(folder, "BABA.XNYS", ALIBABA_NY.previous_close, 10)
    assert passed_ns is not None
    assert utc_ns("13:30") < passed_ns < utc_ns("20:00")


@pytest.mark.parametrize("level_pct", [3, 5, 8])
def test_the_up_leg_starts_after_the_spending_story(folder: Path, level_pct: int) -> None:
    """Onset as in DESIGN section 7: the latest low within a tenth of the leg from the lowest."""
    ts_ns, price = trades(folder, "9988.XHKG")
    passed_ns = first_pass(folder, "9988.XHKG", ALIBABA_HK.previous_close, level_pct)
    assert passed_ns is not None
    inside = (ts_ns <= passed_ns) & (ts_ns > passed_ns - HOUR_NS)
    leg, leg_ns = price[inside], ts_ns[inside]
    near_low = 10 * (leg - leg.min()) <= leg[-1] - leg.min()
    onset_ns = leg_ns[near_low][-1]
    assert utc_ns("02:05") <= onset_ns < utc_ns("02:08:30")


def test_before_the_story_hong_kong_is_flat_and_never_dips_again(folder: Path) -> None:
    ts_ns, price = trades(folder, "9988.XHKG")
    before = between(ts_ns, price, "01:30", "02:05")
    assert (before.min(), before.max() <= 159_500_000) == (158_500_000, True)
    assert between(ts_ns, price, "02:05", "24:00").min() >= before.min()


@pytest.mark.parametrize("listing", sorted(BAD_PRINTS))
def test_one_lone_bad_print_is_followed_within_a_second(folder: Path, listing: str) -> None:
    ts_ns, price = trades(folder, listing, with_bad=True)
    (bad,) = np.flatnonzero(price == BAD_PRINTS[listing])
    assert abs(price[bad] / price[bad - 1] - 1) > 0.10
    assert abs(price[bad + 1] / price[bad - 1] - 1) < 0.002
    assert ts_ns[bad + 1] - ts_ns[bad] < SECOND_NS
    frame = pl.read_parquet(folder / "prices" / f"{listing}.parquet")
    assert frame.get_column("conditions")[int(bad)] == "@" if listing == "BABA.XNYS" else True


@pytest.mark.parametrize("listing", [line.listing for line in LINES])
def test_steps_stay_small(folder: Path, listing: str) -> None:
    _, price = trades(folder, listing)
    assert np.max(np.abs(np.diff(price)) / price[:-1]) < 0.005


def test_nothing_else_moves(folder: Path) -> None:
    for line in LINES:
        if line in (ALIBABA_HK, ALIBABA_NY):
            continue
        _, price = trades(folder, line.listing)
        returns = price / (line.previous_close * PRICE_SCALE) - 1
        limit = 0.004 if line is MARKET_US else 0.019
        assert np.max(np.abs(returns)) <= limit, line.listing


def test_there_are_enough_trades(folder: Path) -> None:
    counts = {line.listing: trades(folder, line.listing)[0].size for line in LINES}
    assert counts["9988.XHKG"] >= 20_000
    assert counts["BABA.XNYS"] >= 20_000
    assert counts["SPY.XNYS"] >= 8_000
    assert len(OTHERS) == 10
    assert all(3_000 <= counts[line.listing] <= 7_000 for line in OTHERS)


def test_readme_tells_the_times_the_data_has(folder: Path) -> None:
    readme = README.read_text()
    for line, levels in ((ALIBABA_HK, (3, 5, 8)), (ALIBABA_NY, (3, 5, 8, 10))):
        for level_pct in levels:
            passed_ns = first_pass(folder, line.listing, line.previous_close, level_pct)
            assert passed_ns is not None
            assert f"| {clock(passed_ns)} | {line.listing}" in readme
    for listing, bad_price in BAD_PRINTS.items():
        ts_ns, price = trades(folder, listing, with_bad=True)
        assert f"| {clock(int(ts_ns[price == bad_price][0]))} | one bad print" in readme


def test_feeds_parse_to_the_items_they_were_made_from(folder: Path) -> None:
    items = read_items()
    for feed in FEEDS:
        parsed = feedparser.parse((folder / "feeds" / f"{feed.name}.xml").read_bytes())
        assert not parsed.bozo
        own = {(item.title, item.published_ns) for item in items if item.feed == feed.name}
        assert {(e.title, _stamp_ns(e.published_parsed)) for e in parsed.entries} == own
        assert len({entry.id for entry in parsed.entries}) == len(own)
        stamps = [entry.published_parsed for entry in parsed.entries]
        assert all(later >= earlier for later, earlier in pairwise(stamps))


def _stamp_ns(parsed: tuple[int, ...]) -> int:
    stamp = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}".format(*parsed[:6])
    return DemoItem(feed="wire", at=stamp, about="other", title="").published_ns


def test_stories_have_their_first_minute_and_their_copies() -> None:
    items = read_items()
    firsts = {
        "capex": "2025-09-24T02:05",
        "qwen3-max": "2025-09-24T02:20",
        "nvidia": "2025-09-24T02:40",
        "data-centres": "2025-09-24T03:05",
    }
    for about, first in firsts.items():
        stamps = sorted(item.at for item in items if item.about == about)
        assert stamps[0] == first
        assert 3 <= len(stamps) <= 5
    assert {i.at[:10] for i in items if i.about == "cloud-quarter"} == {"2025-08-29"}
    assert {i.at[:10] for i in items if i.about == "fund"} == {"2025-09-22"}


def test_price_reports_come_after_the_move_they_report(folder: Path) -> None:
    reports = [item for item in read_items() if item.about == "price-report"]
    assert len(reports) >= 10
    for item in reports:
        line = ALIBABA_NY if "New York" in item.title else ALIBABA_HK
        percent = re.search(r"(\d+)(?:\.\d+)?%", item.title)
        level_pct = int(percent.group(1)) if percent else 3
        passed_ns = first_pass(folder, line.listing, line.previous_close, level_pct)
        assert passed_ns is not None
        assert passed_ns < item.published_ns, item.title


def test_unrelated_headlines_are_many_and_name_no_alibaba() -> None:
    unrelated = [item for item in read_items() if item.about in ("other", "trap")]
    assert len(unrelated) >= 200
    assert sum(item.about == "trap" for item in unrelated) >= 25
    assert len({item.title for item in unrelated}) == len(unrelated)
    assert all("2025-09-22" <= item.at[:10] <= "2025-09-24" for item in unrelated)
    names = re.compile(r"alibaba|qwen|taobao|tmall|cainiao|aliexpress|lazada|baba\b", re.IGNORECASE)
    named = [item.title for item in unrelated if names.search(item.title)]
    assert named == ["Ali Baba and the Forty Thieves returns to the Leeds stage this winter"]
