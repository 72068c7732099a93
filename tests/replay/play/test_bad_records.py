"""Bad records among good ones: each counted with its reason, kept, and the rest unharmed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from agents.cli.main import main
from tests.replay.small_folder import edited, write_small_folder
from tests.running import Plain, recomputed_sha256, records, replayed, summary_of

BAD_ROWS = {
    "IBM,2007-01-04T14:31:30Z,0": "bad_price",
    "IBM,2007-01-04T14:32:30Z,NaN": "bad_price",
    "IBM,2007-01-04T14:33:30Z,-1": "bad_price",
    "IBM,2007-01-04T14:34:30Z,inf": "bad_price",
    "IBM,2007-01-04T14:35:30Z,": "bad_price",
    "IBM,2007-01-04T14:36:30Z,1O1.5": "bad_price",
    "IBM,1970-01-01T00:00:00Z,90": "past",
    "IBM,2099-01-01T00:00:00Z,200": "future",
    "IBM,yesterday,90": "bad_time",
    "IBM,2007-01-04T14:37:30Z,90,91,92": "bad_row",
    "NOSUCHONE,2007-01-04T14:38:00Z,90": "unknown_symbol",
    "NOSUCHONE,2007-01-04T14:39:00Z,95": "",  # rows of one unknown symbol share a reject
}
BAD_LINES = {
    '{"id":"n1","published_at":"2007-01-04T15:29:00Z","title":"","source":"x"}': "no_title",
    '{"id":"n2","published_at":"2007-01-04T15:29:00Z","source":"x"}': "no_title",
    '{"id":"n3","published_at":"2007-01-04T15:29:00Z","title":null,"source":"x"}': "no_title",
    '{"id":"n4","published_at":"1970-01-01T00:00:00Z","title":"IBM soars","source":"x"}': "past",
    '{"id":"n5","published_at":"2099-01-01T00:00:00Z","title":"IBM soars","source":"x"}': "future",
    '{"id":"n6","title":"IBM soars","source":"x"}': "no_time",
    '{"id":"n7","published_at":"2007-01-04T15:29:00Z","title":"IBM soa': "undecodable",
    "[]": "undecodable",
    "this is no JSON": "undecodable",
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the OUT of the sound folder."""
    base = tmp_path_factory.mktemp("clean")
    replayed(without_mic(write_small_folder(base / "folder")), base / "out")
    return base / "out"


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the OUT of the same folder with every bad record amid the good ones."""
    base = tmp_path_factory.mktemp("harmed")
    folder = without_mic(write_small_folder(base / "folder"))
    amid(folder / "prices.csv", 10, list(BAD_ROWS))
    amid(folder / "headlines.jsonl", 1, list(BAD_LINES))
    replayed(folder, base / "out")
    return base / "out"


def without_mic(folder: Path) -> Path:
    """Let only the universe name listings, so that a symbol can be unknown."""
    edited(folder / "replay.toml", 'mic = "XNYS"\n', "")
    return folder


def amid(path: Path, place: int, bad: list[str]) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:place], *bad, *lines[place:]]) + "\n")


def test_each_bad_record_is_a_reject_with_its_reason(harmed: Path) -> None:
    found = Counter(reject["reason"] for reject in records(harmed, "rejects"))
    expected = Counter([*BAD_ROWS.values(), *BAD_LINES.values()])
    del expected[""]
    assert found == expected
    assert summary_of(harmed)["rejected"] == sum(expected.values())


def test_a_reject_says_where_it_was_and_keeps_its_text(harmed: Path) -> None:
    rejects = records(harmed, "rejects")
    assert {reject["stage"] for reject in rejects} == {"read"}
    for reject in rejects:
        assert reject["detail"].startswith(("prices.csv:", "headlines.jsonl:"))
    lines = {r["detail"].split(":")[1] for r in rejects if r["detail"].startswith("headlines")}
    assert lines == {str(number) for number in range(2, 2 + len(BAD_LINES))}
    (unknown,) = [r for r in rejects if r["reason"] == "unknown_symbol"]
    assert "2 rows" in unknown["detail"]


def test_no_reject_loses_its_record(harmed: Path) -> None:
    """DESIGN 5: what is rejected is kept, with its reason: someone will want to look at it."""
    texts = [reject["record"].strip() for reject in records(harmed, "rejects")]
    for line, reason in BAD_LINES.items():
        assert line in texts, reason


@pytest.mark.parametrize("name", ["headlines", "mentions", "reactions", "moves", "alerts"])
def test_the_rest_is_unharmed(clean: Path, harmed: Path, name: str) -> None:
    assert records(harmed, name) == records(clean, name)
    assert records(harmed, name), "nothing to compare"


def test_ticks_count_what_was_read(clean: Path, harmed: Path) -> None:
    assert summary_of(harmed)["ticks"] == summary_of(clean)["ticks"] == 184
    assert summary_of(harmed)["late"] == 0


def test_the_one_move_is_there(clean: Path) -> None:
    (alert,) = records(clean, "alerts")
    assert (alert["listing"], alert["level_pct"]) == ("IBM.XNYS", 3)
    causes: list[Plain] = alert["attribution"]["candidates"]
    assert causes[0]["title"] == "IBM wins $5 billion services contract"
    assert causes[0]["share"] > 0.1  # contracts seldom move a price by 3 %
    assert [c["title"] for c in causes if c["share"] > 0] == [causes[0]["title"]]
    assert summary_of(clean)["output_sha256"] == recomputed_sha256(clean)


def test_a_file_whose_time_runs_backwards_is_put_in_order(clean: Path, tmp_path: Path) -> None:
    folder = without_mic(write_small_folder(tmp_path / "folder"))
    head, *rows = (folder / "prices.csv").read_text().splitlines(keepends=True)
    (folder / "prices.csv").write_text(head + "".join(reversed(rows)))
    head, *rows = (folder / "headlines.jsonl").read_text().splitlines(keepends=True)
    (folder / "headlines.jsonl").write_text("".join([*reversed(rows), head]))
    assert main(["replay", str(folder), "--out", str(tmp_path / "out"), "--json"]) == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["rejected"], summary["late"]) == (0, 0)
    assert summary["output_sha256"] == summary_of(clean)["output_sha256"]


def test_a_repeated_headline_is_counted_once(clean: Path, tmp_path: Path) -> None:
    folder = without_mic(write_small_folder(tmp_path / "folder"))
    first = (folder / "headlines.jsonl").read_text().splitlines()[0]
    amid(folder / "headlines.jsonl", 2, [first, first])
    assert main(["replay", str(folder), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert [r["reason"] for r in records(tmp_path / "out", "rejects")] == ["duplicate"] * 2
    assert records(tmp_path / "out", "mentions") == records(clean, "mentions")
