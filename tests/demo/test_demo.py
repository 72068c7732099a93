"""The Alibaba day of 24 September 2025, through the command a new user types first."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import polars as pl
import pytest

from agents.demo import write_alibaba_day
from agents.demo.news import FEEDS, DemoItem, feed_bytes, read_items
from agents.demo.prices import utc_ns
from streams.events import SECOND_NS
from tests.running import (
    ROOT,
    Plain,
    demo_day,
    newsquake,
    recomputed_sha256,
    records,
    replayed,
    summary_of,
)
from tests.scenarios.compacting import compact

pytestmark = pytest.mark.slow

GOLDEN = ROOT / "tests" / "scenarios" / "alibaba" / "expected.json"
HONG_KONG, NEW_YORK = "9988.XHKG", "BABA.XNYS"
CLOSES = {HONG_KONG: 159.40, NEW_YORK: 163.08}
HORIZONS = {"1m", "5m", "15m", "60m", "session_close"}
CAPEX = "Alibaba to lift AI capex beyond 380 billion yuan ($53 billion) plan, CEO says"
# The third pre-market print, which confirms the gap to the filter: demo/README.md.
CONFIRMED_NS = utc_ns("08:00:01.144")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_day(tmp_path_factory.getbasetemp())[0]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> str:
    return demo_day(tmp_path_factory.getbasetemp())[1]


@pytest.fixture(scope="module")
def alerts(out: Path) -> dict[str, Plain]:
    return {alert["listing"]: alert for alert in records(out, "alerts")}


def transitions(out: Path, listing: str) -> list[Plain]:
    """Return the states of a listing's alert, but for those that only bring new evidence."""
    states = [state for state in records(out, "alerts_log") if state["listing"] == listing]
    return [state for state in states if state["transition"] != "updated"]


def titles(about: str) -> set[str]:
    return {item.title for item in read_items() if item.about == about}


def test_the_result_is_the_golden_one(out: Path) -> None:
    expected = json.loads(GOLDEN.read_bytes())
    found = json.loads(json.dumps(compact(out)))
    for part, value in expected.items():
        assert found[part] == value, part
    assert found.keys() == expected.keys()
    for listing, causes in expected["causes"].items():
        assert list(found["causes"][listing]["ranked"]) == list(causes["ranked"]), listing


def test_both_lines_alert_once_and_nobody_else(out: Path, alerts: dict[str, Plain]) -> None:
    assert len(records(out, "alerts")) == 2
    assert set(alerts) == {HONG_KONG, NEW_YORK}
    assert {move["listing"] for move in records(out, "moves")} == {HONG_KONG, NEW_YORK}
    states = records(out, "alerts_log")
    opened = Counter(s["listing"] for s in states if s["transition"] == "opened")
    assert opened == {HONG_KONG: 1, NEW_YORK: 1}
    assert len({state["alert_id"] for state in states}) == 2
    assert {alert["state"] for alert in alerts.values()} == {"resolved"}
    for listing, alert in alerts.items():
        assert (alert["direction"], alert["rule"]) == ("up", "day_move")
        assert alert["trade_date"] == "2025-09-24"
        assert alert["reference_price"] == CLOSES[listing]


def test_hong_kong_opens_at_three_and_reaches_eight_but_never_ten(out: Path) -> None:
    steps = [(s["transition"], s["level_pct"]) for s in transitions(out, HONG_KONG)]
    assert steps == [("opened", 3), ("escalated", 5), ("escalated", 8), ("resolved", 8)]
    passed = {m["level_pct"]: m for m in records(out, "moves") if m["listing"] == HONG_KONG}
    times = {level: move["ts_ns"] for level, move in passed.items()}
    assert times == {
        3: utc_ns("02:12:00.294"),
        5: utc_ns("02:27:08.311"),
        8: utc_ns("02:48:41.421"),
    }
    assert [move["price"] for move in passed.values()] == [164.2, 167.4, 172.2]


def test_new_york_opens_before_the_market_at_eight_and_escalates_in_it(out: Path) -> None:
    steps = transitions(out, NEW_YORK)
    assert [(s["transition"], s["level_pct"]) for s in steps] == [
        ("opened", 8),
        ("escalated", 10),
        ("resolved", 10),
    ]
    moves = [m for m in records(out, "moves") if m["listing"] == NEW_YORK]
    at_once = [m for m in moves if m["ts_ns"] == CONFIRMED_NS]
    assert sorted(m["level_pct"] for m in at_once) == [3, 5, 8]
    assert {(m["price"], m["session"]) for m in at_once} == {(178.01, "pre")}
    (tenth,) = [m for m in moves if m not in at_once]
    assert (tenth["level_pct"], tenth["session"]) == (10, "regular")
    assert (steps[0]["opened_ns"], steps[0]["session"]) == (CONFIRMED_NS, "pre")
    assert steps[1]["updated_ns"] == tenth["ts_ns"] == first_round_lot_beyond(out, 179.388)


def first_round_lot_beyond(out: Path, price: float) -> int:
    """Return when New York first traded there in a trade that may set last: no odd lot (I)."""
    trades = pl.read_parquet(out / "replay" / "prices" / f"{NEW_YORK}.parquet")
    beyond = trades.filter(
        (pl.col("price") >= price) & ~pl.col("conditions").str.contains("I", literal=True)
    )
    return int(beyond["time"][0])


@pytest.mark.parametrize("listing", [HONG_KONG, NEW_YORK])
def test_the_spending_story_ranks_first(alerts: dict[str, Plain], listing: str) -> None:
    candidates = alerts[listing]["attribution"]["candidates"]
    assert candidates[0]["title"] == CAPEX
    assert candidates[0]["share"] > 1.5 * candidates[1]["share"]
    assert candidates[0]["copies"] == len(titles("capex")) - 1
    shares = [candidate["share"] for candidate in candidates]
    assert shares == sorted(shares, reverse=True)


def test_a_price_report_is_never_a_cause(out: Path) -> None:
    """Neither by the type it was given nor by the label its author wrote beside it."""
    reports = titles("price-report")
    assert len(reports) >= 15
    causes = [c for s in records(out, "alerts_log") for c in s["attribution"]["candidates"]]
    assert len(causes) > 20
    blamed = {c["title"] for c in causes if c["share"] > 0}
    assert not {c["title"] for c in causes if "price_report" in c["event_types"] and c["share"] > 0}
    assert not blamed & reports
    assert not blamed & (titles("other") | titles("trap"))


def test_the_shares_of_every_state_are_one_whole(out: Path) -> None:
    for state in records(out, "alerts_log"):
        attribution = state["attribution"]
        parts = [candidate["share"] for candidate in attribution["candidates"]]
        parts += [attribution[f"{rest}_share"] for rest in ("market", "sector", "unexplained")]
        assert all(0 <= part <= 1 for part in parts)
        assert sum(parts) == pytest.approx(1, abs=1e-9)
        assert not attribution["price_led"]


def test_hong_kong_led(out: Path, alerts: dict[str, Plain]) -> None:
    hong_kong, new_york = transitions(out, HONG_KONG)[0], transitions(out, NEW_YORK)[0]
    lag_s = (new_york["opened_ns"] - hong_kong["opened_ns"]) / SECOND_NS
    other = alerts[NEW_YORK]["attribution"]["other_line"]
    assert (other["listing"], other["leader"]) == (HONG_KONG, HONG_KONG)
    assert other["lag_s"] == pytest.approx(lag_s, abs=1e-6)
    # Hong Kong stood at 174.00, its last trade before its auction.
    assert other["move_bps"] == pytest.approx((174.00 / 159.40 - 1) * 10_000, abs=1e-6)
    other = alerts[HONG_KONG]["attribution"]["other_line"]
    assert (other["listing"], other["leader"], other["move_bps"]) == (NEW_YORK, HONG_KONG, None)


def test_the_lone_bad_prints_are_refused(out: Path) -> None:
    rejects = records(out, "rejects")
    told = [(r["reason"], r["stage"], json.loads(r["record"])) for r in rejects]
    assert [(reason, stage) for reason, stage, _ in told] == [("bad_tick", "react")] * 2
    assert {(tick["listing"], tick["price"]) for _, _, tick in told} == {
        (HONG_KONG, 192_000_000),
        (NEW_YORK, 147_500_000),
    }
    assert not [move for move in records(out, "moves") if move["direction"] == "down"]
    assert summary_of(out)["rejected"] == 2


def test_every_mention_has_each_horizon_on_each_line(out: Path) -> None:
    lines: dict[str, set[str]] = defaultdict(set)
    universe = (out / "replay" / "universe.csv").read_text("utf-8").splitlines()[1:]
    for issuer, _, symbol, mic, *_ in (row.split(",") for row in universe):
        lines[issuer].add(f"{symbol}.{mic}")
    expected = {
        (mention["headline_id"], mention["issuer"], listing, horizon)
        for mention in records(out, "mentions")
        for listing in lines[mention["issuer"]]
        for horizon in HORIZONS
    }
    keys = ("headline_id", "issuer", "listing", "horizon")
    found = Counter(tuple(r[key] for key in keys) for r in records(out, "reactions"))
    assert set(found) == expected
    assert set(found.values()) == {1}


def test_the_reference_in_hong_kong_is_the_last_second_before_the_news(out: Path) -> None:
    reactions = answers(out, CAPEX, HONG_KONG)
    trades = pl.read_parquet(out / "replay" / "prices" / f"{HONG_KONG}.parquet")
    before = trades.filter(pl.col("time") < utc_ns("02:05"))
    second_end_ns = (before["time"][-1] // SECOND_NS + 1) * SECOND_NS
    for reaction in reactions.values():
        assert reaction["event_ns"] == reaction["start_ns"] == utc_ns("02:05")
        assert reaction["reference_price"] == before["price"][-1]
        age_s = (utc_ns("02:05") - second_end_ns) / SECOND_NS
        assert reaction["reference_age_s"] == age_s
    until = trades.filter(pl.col("time") < utc_ns("02:10"))
    expected_bps = (until["price"][-1] / before["price"][-1] - 1) * 10_000
    assert reactions["5m"]["return_bps"] == pytest.approx(expected_bps, abs=1e-6)
    assert reactions["session_close"]["price"] == 174.00


def test_the_answer_of_new_york_waits_for_its_first_trade(out: Path) -> None:
    """It starts with the second of the print that confirmed the gap, measured from the close."""
    reactions = answers(out, CAPEX, NEW_YORK)
    for reaction in reactions.values():
        assert utc_ns("08:00") <= reaction["start_ns"] <= CONFIRMED_NS
        assert reaction["start_ns"] == utc_ns("08:00:01")
        assert reaction["reference_price"] == CLOSES[NEW_YORK]
        assert "previous_close_reference" in reaction["flags"]
    assert reactions["1m"]["due_ns"] == utc_ns("08:01:01")
    assert reactions["1m"]["return_bps"] > 800
    assert reactions["session_close"]["price"] == 176.44


def answers(out: Path, title: str, listing: str) -> dict[str, Plain]:
    """Return a headline's reactions on one listing by horizon."""
    (key,) = {h["headline_id"] for h in records(out, "headlines") if h["title"] == title}
    rows = [
        r for r in records(out, "reactions") if (r["headline_id"], r["listing"]) == (key, listing)
    ]
    assert {row["horizon"] for row in rows} == HORIZONS
    return {row["horizon"]: row for row in rows}


def test_copies_do_not_raise_a_share(out: Path, alerts: dict[str, Plain], tmp_path: Path) -> None:
    """The same day without one copy of any story: every cause has the share it had."""
    folder = tmp_path / "no-copies"
    write_alibaba_day(folder)
    items = [item for item in read_items() if not is_copy(item)]
    assert len(items) < len(read_items()) - 10
    for feed in FEEDS:
        (folder / "feeds" / f"{feed.name}.xml").write_bytes(feed_bytes(feed, items))
    replayed(folder, tmp_path / "out")
    for alert in records(tmp_path / "out", "alerts"):
        before = shares(alerts[alert["listing"]])
        after = shares(alert)
        assert list(after) == list(before)
        assert after == pytest.approx(before, abs=1e-6)
        assert {c["copies"] for c in alert["attribution"]["candidates"]} == {0}


def is_copy(item: DemoItem) -> bool:
    """Tell whether an item repeats a story of the day that an earlier item told."""
    if item.about in ("other", "trap", "price-report"):
        return False
    return item.at != min(other.at for other in read_items() if other.about == item.about)


def shares(alert: Plain) -> dict[str, float]:
    return {c["headline_id"]: c["share"] for c in alert["attribution"]["candidates"]}


def test_the_account_tells_both_lines_and_what_is_not_explained(account: str, out: Path) -> None:
    for words in (HONG_KONG, NEW_YORK, "unexplained", "the market", CAPEX, str(out)):
        assert words in account
    assert account.index(HONG_KONG) < account.index(NEW_YORK)
    assert f"{HONG_KONG} led by 5.8 h" in account
    assert "113,452 ticks" in account
    assert not titles("price-report") & set(account.splitlines())


def test_the_hash_is_the_one_anyone_computes_from_the_files(out: Path) -> None:
    assert summary_of(out)["output_sha256"] == recomputed_sha256(out)


def test_the_folder_it_writes_replays_to_the_same_result(out: Path, tmp_path: Path) -> None:
    summary = replayed(out / "replay", tmp_path / "out")
    assert summary["output_sha256"] == summary_of(out)["output_sha256"]


def test_paced_it_names_alerts_as_they_come_and_ends_the_same(out: Path, tmp_path: Path) -> None:
    done = newsquake("demo", "--out", tmp_path / "out", "--speed", 40_000)
    assert done.returncode == 0
    assert "opened     9988.XHKG up 3.01 %" in done.stderr
    assert summary_of(tmp_path / "out")["output_sha256"] == summary_of(out)["output_sha256"]
    assert summary_of(tmp_path / "out")["play_seconds"] > 1.0, "it did not keep to its speed"
