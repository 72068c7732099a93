"""`newsquake eval causes`: candidates against labels, figures by hand, and what a person sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.evaluation.causes import evaluate_causes
from streams.errors import InputError
from streams.events import Alert
from streams.explanation import Attribution, Candidate, CommonStory, PathStep
from tests.running import newsquake

DATE = "2025-09-24"
NOON_NS = 1_758_715_200_000_000_000


def candidate(key: str, share: float) -> Candidate:
    return Candidate(
        story_id=f"s{key}", headline_id=f"h{key}", title=f"Title {key}", source="reuters",
        url=f"https://news.example/article/{key}", event_ns=NOON_NS, lag_s=1.0, share=share,
        event_types=("earnings",), direction=0.5, factors={"event": 1.0}, copies=1,
    )  # fmt: skip


def alert(listing: str, *causes: Candidate, market: float = 0.1, level_pct: int = 5) -> Alert:
    shares = sum(each.share for each in causes)
    story = CommonStory(
        scope="market", story_id="sm", headline_id="hm", title="Fed cuts", source="reuters",
        url="https://news.example/fed", event_ns=NOON_NS, direction=None,
    )  # fmt: skip
    why = Attribution(
        market_share=market, unexplained_share=round(1.0 - market - shares, 6), price_led=False,
        late_feed=False, other_line=None, candidates=causes, market_candidates=(story,),
    )  # fmt: skip
    step = PathStep(
        start_ns=NOON_NS, end_ns=NOON_NS + 60_000_000_000, return_bps=512.0, market_bps=51.0,
        sector_bps=0.0, causes={each.headline_id: 300.0 for each in causes},
    )  # fmt: skip
    return Alert(
        alert_id=f"{listing}-{level_pct}", rule="day_move", listing=listing, issuer=listing, trade_date=DATE,
        direction="up", state="resolved", transition="resolved", severity="warning", opened_ns=NOON_NS,
        updated_ns=NOON_NS, session="regular", level_pct=level_pct, price=105.0, return_bps=512.0,
        reference_price=100.0, attribution=why, sentence=f"{listing} up 5.12 % on the day", timeline=(step,),
    )  # fmt: skip


def write(folder: Path, moves: list[dict[str, Any]], alerts: list[Alert]) -> tuple[Path, Path]:
    day, out = folder / "day", folder / "out"
    day.mkdir()
    out.mkdir()
    (day / "moves.jsonl").write_text("".join(json.dumps(each) + "\n" for each in moves))
    (out / "alerts.jsonl").write_bytes(b"".join(msgspec.json.encode(a) + b"\n" for a in alerts))
    return day, out


def move(symbol: str, *causes: str, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "trade_date": DATE, "direction": "up", "causes": causes, "in_feed": bool(causes), **more}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Five moves: right by its address, right by its id but unnamed, wrong, honest, the market's."""
    moves = [
        move("A.XNYS", "article/a", kind="earnings"),
        move("B.XNYS", "hb", kind="earnings"),
        move("C.XNYS", "article/nowhere", kind="product"),
        move("D.XNYS", confidence="medium"),
        move("E.XNYS", "hm", kind="macro_sector"),
    ]
    alerts = [
        alert("A.XNYS", candidate("a", 0.6), candidate("x", 0.2)),
        alert("B.XNYS", candidate("b", 0.1)),
        alert("C.XNYS", candidate("c", 0.5)),
        alert("D.XNYS"),
        alert("E.XNYS", market=0.7),
    ]
    return write(tmp_path, moves, alerts)


def test_figures_by_hand(files: tuple[Path, Path]) -> None:
    groups = evaluate_causes(*files)["groups"]
    whole = groups["all"]
    assert (whole["moves"], whole["alerted"], whole["in_feed"]) == (5, 5, 4)
    assert (whole["found"], whole["first_right"]) == (0.5, 0.5)
    assert whole["first_right_and_named"] == 0.25
    assert whole["right_share"] == pytest.approx((0.6 + 0.1) / 4)
    assert (whole["wrong_named"], whole["named_right"], whole["honest"]) == (0.2, 0.5, 1.0)
    assert groups["macro"]["market_share"] == 0.7
    assert groups["macro"]["market_title_right"] == 1.0
    assert groups["own"]["moves"] == 4
    assert groups["kind: earnings"]["first_right"] == 1.0
    assert groups["label: medium"]["honest"] == 1.0
    assert groups["label: medium"]["first_right"] is None


def test_calibration_by_hand(files: tuple[Path, Path]) -> None:
    bins = {each["from"]: each for each in evaluate_causes(*files)["calibration"]}
    assert [bins[x]["moves"] for x in (0.0, 0.2, 0.4, 0.6, 0.8)] == [1, 0, 1, 1, 0]
    assert (bins[0.4]["right"], bins[0.6]["right"], bins[0.2]["right"]) == (0.0, 1.0, None)


def test_a_move_without_an_alert_counts_against_it(tmp_path: Path) -> None:
    files = write(tmp_path, [move("A.XNYS", "article/a")], [alert("Z.XNYS", candidate("a", 0.6))])
    figures = evaluate_causes(*files)["groups"]["all"]
    assert (figures["alerted"], figures["first_right"], figures["market_share"]) == (0, 0.0, 0.0)


def test_of_two_alerts_of_a_move_the_higher_counts(tmp_path: Path) -> None:
    low, high = alert("A.XNYS", candidate("x", 0.6)), alert("A.XNYS", candidate("a", 0.6), level_pct=8)  # fmt: skip
    for number, alerts in enumerate(([low, high], [high, low])):
        (tmp_path / str(number)).mkdir()
        files = write(tmp_path / str(number), [move("A.XNYS", "article/a")], alerts)
        assert evaluate_causes(*files)["groups"]["all"]["first_right"] == 1.0


def test_bad_labels_are_counted_and_said(tmp_path: Path) -> None:
    files = write(tmp_path, [move("A.XNYS", "article/a"), {"symbol": 5}], [])
    result = evaluate_causes(*files)
    assert result["skipped"] == 1
    assert "line 2: label: " in result["skipped_reasons"][0]


@pytest.mark.parametrize("text", ["{}\n", "no JSON\n", '{"alert_id": "a"}\n'])
def test_what_is_no_alert_is_named(tmp_path: Path, text: str) -> None:
    files = write(tmp_path, [move("A.XNYS")], [])
    (files[1] / "alerts.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"alerts\.jsonl: line 1 is no alert"):
        evaluate_causes(*files)


def test_a_folder_without_alerts_says_what_to_name(tmp_path: Path) -> None:
    files = write(tmp_path, [move("A.XNYS")], [])
    (files[1] / "alerts.jsonl").unlink()
    with pytest.raises(InputError, match="name OUT of a replay"):
        evaluate_causes(*files)


def test_the_command_prints_json_a_table_and_one_move(files: tuple[Path, Path]) -> None:
    words = ("eval", "causes", *files)
    assert json.loads(newsquake(*words).stdout)["groups"]["all"]["moves"] == 5
    table = newsquake(*words, "--table").stdout
    assert table.splitlines()[1].split()[:4] == ["all", "5", "5", "4"]
    told = newsquake(*words, "--explain", "A.XNYS", DATE)
    assert told.returncode == 0, told.stderr
    assert "A.XNYS up 5.12 % on the day" in told.stdout
    assert "1: +300, 2: +300" in told.stdout
    first = next(line for line in told.stdout.splitlines() if "Title a" in line)
    assert first.split()[:3] == ["1", "0.600", "*"]
    assert "market: 2025-09-24 12:00:00 Fed cuts" in told.stdout


def test_the_command_says_what_is_missing(files: tuple[Path, Path]) -> None:
    lone = newsquake("eval", "causes", files[0])
    assert (lone.returncode, "name OUT of the replay" in lone.stderr) == (2, True)
    other = newsquake("eval", "causes", *files, "--explain", "NONE.XNYS", DATE)
    assert other.returncode == 2
    assert f"on {DATE} there are alerts of A.XNYS, B.XNYS" in other.stderr
    wrong = newsquake("eval", "sentiment", files[0] / "moves.jsonl", "--table")
    assert (wrong.returncode, "are for eval causes" in wrong.stderr) == (2, True)
