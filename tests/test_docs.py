"""The pages in docs/ hold: every name on them exists, every call they tell of is made, and every
horizon, reject reason, key and file that the code knows is on them. The examples are run."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from agents.config.replay import DailyColumns, DailySpec, ReplayFile, ReplayHead, load_replay
from agents.machine.own_files import LIST
from agents.reacting.config import Rule
from agents.reacting.reactions import HORIZONS
from agents.replay.play.inputs import read_inputs
from agents.replay.play.outputs import KEYS, PARQUET, read_lines
from agents.replay.play.replay import Replay
from streams.bounds import IMPLAUSIBLE_CLOCK
from streams.news.recorded import files as headline_files
from streams.prices import files as price_files
from streams.reference.universe import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from streams.set_aside import ENGINE_FAULT

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
LIFE, FOLDER = ROOT / "docs" / "life-of-a-headline.md", ROOT / "docs" / "replay-folder.md"

REFERENCE = re.compile(r"`([\w/]+\.py)(?::([\w.]+))?`")
PLACE = re.compile(r"`((?:agents|dashboards|deploy|docs|streams|tests)/[\w./-]*)`")
CALLS = re.compile(r"`([\w/]+\.py):([\w.]+)`(?=\s*->\s*`([\w/]+\.py):([\w.]+)`)")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# `newsquake eval` has reasons of its own: rows it skips, counted in its result, in no replay.
NAMED_REASONS = {"ENGINE_FAULT": ENGINE_FAULT, "IMPLAUSIBLE_CLOCK": IMPLAUSIBLE_CLOCK}
NO_REPLAY = {"evaluate.py", "agreement.py", "labelled.py", "causes.py"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


@functools.cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def found(path: str, dotted: str) -> Definition | ast.stmt | None:
    """Return what `dotted` names in a file: a function, a class or its member, an assignment."""
    here: ast.AST = tree_of(path)
    for name in dotted.split("."):
        inside = [node for node in getattr(here, "body", []) if name in names_of(node)]
        if not inside:
            return None
        here = inside[-1]
    return here if isinstance(here, ast.stmt) else None


def names_of(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {each.id for each in targets if isinstance(each, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def words_in(node: ast.AST) -> set[str]:
    """Return every name and attribute that the code of a definition mentions."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


# -- names and calls


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    missing = []
    for path, dotted in REFERENCE.findall(text_of(page)):
        if not (ROOT / path).is_file() or (dotted and found(path, dotted) is None):
            missing.append(f"{path}:{dotted}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_places_that_a_page_names_are_there(page: Path) -> None:
    missing = [name for name in PLACE.findall(text_of(page)) if not (ROOT / name).exists()]
    assert missing == []


def test_each_step_calls_the_next() -> None:
    steps = CALLS.findall(text_of(LIFE))
    assert steps
    broken = []
    for path, caller, _, callee in steps:
        code = found(path, caller)
        if code is None or callee.rpartition(".")[2] not in words_in(code):
            broken.append(f"{caller} -> {callee}")
    assert broken == []


def test_a_wrong_name_and_a_call_that_is_not_made_are_seen() -> None:
    path = "agents/reacting/listing_state.py"
    assert found(path, "ListingState.apply") is not None
    assert found(path, "ListingState.vanish") is None
    assert found(path, "apply") is None
    apply = found(path, "ListingState.apply")
    assert apply is not None
    assert "enter" in words_in(apply)
    assert "score" not in words_in(apply)


@pytest.mark.parametrize("room", ["agents/scoring", "agents/reacting"])
def test_the_walk_passes_every_file_of_a_pure_room(room: str) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / room).glob("*.py")}
    files.remove(f"{room}/__init__.py")
    passed = {path for path, _ in REFERENCE.findall(text_of(LIFE))}
    assert files
    assert files - passed == set(), "give each a step in docs/life-of-a-headline.md"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page)):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


# -- horizons, reasons, files


def table_after(page: Path, heading: str) -> list[str]:
    """Return the first cells of the first table under a heading or header cell."""
    lines = text_of(page).splitlines()
    start = next(n for n, line in enumerate(lines) if heading in line)
    rows = [line.strip() for line in lines[start:]]
    first = next(n for n, row in enumerate(rows) if set(row) == set("|-"))
    cells = []
    for row in rows[first + 1 :]:
        if not row.startswith("|"):
            break
        cells.append(row.split("|")[1])
    return cells


def quoted(cells: list[str]) -> list[str]:
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def test_every_horizon_is_explained() -> None:
    assert quoted(table_after(LIFE, "| horizon |")) == list(HORIZONS)


def reasons_in_code() -> set[str]:
    """Return the reasons that any code of a replay writes into a Reject."""
    reasons = {reason for reason in price_files.REASONS if reason}
    for path in [*(ROOT / "streams").rglob("*.py"), *(ROOT / "agents").rglob("*.py")]:
        if path.name not in NO_REPLAY:
            tree = tree_of(path.relative_to(ROOT).as_posix())
            reasons |= {word for word in written_reasons(tree) if WORD.fullmatch(word)}
    return reasons


def written_reasons(tree: ast.Module) -> Iterator[str]:
    """Yield the first literal given to whatever makes a reject, and those of tables of reasons."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_reject(node.func):
            named = [k.value for k in node.keywords if k.arg == "reason"]
            yield from [text for each in [*named, *node.args] if (text := literal(each))][:1]
        elif isinstance(node, ast.FunctionDef) and node.name in {"_reasons", "_fault"}:
            firsts = [n.elts[0] for n in ast.walk(node) if isinstance(n, ast.Tuple) and n.elts]
            # one of two: `return ("undecodable" if ... else "not_a_feed"), said`
            either = [
                part for n in firsts if isinstance(n, ast.IfExp) for part in (n.body, n.orelse)
            ]
            yield from (text for each in [*firsts, *either] if (text := literal(each)))


def is_reject(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name.strip("_").lower() in {
        "reject",
        "rejected",
        "reject_trade",
        "recorderror",
        "refused",
    }


def literal(node: ast.expr) -> str:
    """Return a text literal, or what a name of a reason stands for; "" for anything else."""
    if isinstance(node, ast.Name):
        return NAMED_REASONS.get(node.id, "")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_the_reject_reasons_documented_are_those_in_the_code() -> None:
    documented = quoted(table_after(FOLDER, "| reason |"))
    assert len(documented) == len(set(documented))
    assert set(documented) == reasons_in_code()


def files_of_out() -> list[str]:
    return [f"{n}.parquet" if n == PARQUET else f"{n}.jsonl" for n in KEYS] + ["summary.json"]


def test_every_output_file_is_documented_in_the_order_of_the_hash() -> None:
    files = [name for name in files_of_out() if name != "alerts.jsonl"]
    documented = quoted(table_after(FOLDER, "| file |"))
    assert [name for name in documented if "." in name and name != "alerts.jsonl"] == files
    assert set(documented) == {*files_of_out()}


# -- the examples


@functools.cache
def blocks() -> dict[str, str]:
    """Return the named examples of the replay-folder page; "" is the one with every key."""
    return {name: text for _, name, text in BLOCK.findall(text_of(FOLDER))}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the OUT of the page's first example."""
    folder = tmp_path_factory.mktemp("documented")
    for name, text in blocks().items():
        if name:
            (folder / name).write_text(text, "utf-8")
    Replay(read_inputs(folder, (Rule(),), lambda _: None), folder / "out").run()
    return folder / "out"


def test_the_first_example_gives_what_the_page_says(out: Path) -> None:
    (alert,) = read_lines(out / "alerts.jsonl")
    log = read_lines(out / "alerts_log.jsonl")
    steps = [(a["transition"], a["level_pct"]) for a in log if a["transition"] != "updated"]
    assert steps == [("opened", 3), ("escalated", 5), ("resolved", 5)]
    (cause,) = alert["attribution"]["candidates"]
    assert cause["title"] == "Acme Robotics raises full-year profit forecast"
    rejects = read_lines(out / "rejects.jsonl")
    assert sorted(r["reason"] for r in rejects) == ["bad_price", "no_time"]
    horizons = pl.read_parquet(out / "reactions.parquet")["horizon"].to_list()
    assert sorted(horizons) == sorted(HORIZONS)


def test_out_holds_what_the_page_lists(out: Path) -> None:
    own = [LIST]  # by which a later replay knows its own files
    assert sorted(path.name for path in out.iterdir()) == sorted([*files_of_out(), *own])
    assert LIST in FOLDER.read_text("utf-8")


def test_anybody_can_make_the_hash_again(out: Path) -> None:
    recipe = out.parent / "output_sha256.py"
    done = subprocess.run([sys.executable, recipe, out], capture_output=True, text=True, check=True)
    summary = msgspec.json.decode((out / "summary.json").read_bytes())
    assert done.stdout.strip() == summary["output_sha256"]


def described() -> list[dict[str, Any]]:
    """Return both replay.toml of the page, as plain TOML."""
    return [tomllib.loads(blocks()[name]) for name in ("replay.toml", "")]


def used_keys(table: str, inner: str = "") -> set[str]:
    """Return the keys that the examples set in a table, or in the table `inner` inside it."""
    stanzas = [each.get(table, []) for each in described()]
    entries = [e for found in stanzas for e in (found if isinstance(found, list) else [found])]
    return {key for entry in entries for key in (entry.get(inner, {}) if inner else entry)}


@pytest.mark.parametrize(
    ("table", "inner", "keys"),
    [
        ("replay", "", ReplayHead.__struct_fields__),
        ("headlines", "", headline_files.HeadlineSpec.__struct_fields__),
        ("headlines", "columns", headline_files.FIELDS),
        ("prices", "", price_files.PriceSpec.__struct_fields__),
        ("prices", "columns", price_files.FIELDS),
        ("prices", "bar", price_files.BarSpec.__struct_fields__),
        ("daily", "", DailySpec.__struct_fields__),
        ("daily", "columns", DailyColumns.__struct_fields__),
    ],
)
def test_every_key_has_an_example(table: str, inner: str, keys: tuple[str, ...]) -> None:
    assert used_keys(table, inner) == set(keys)


def test_the_example_of_every_key_loads(tmp_path: Path) -> None:
    assert set(ReplayFile.__struct_fields__) == set(described()[1])
    (tmp_path / "replay.toml").write_text(blocks()[""], "utf-8")
    assert load_replay(tmp_path).replay.name == "us-2007-01"


def test_every_column_of_a_universe_is_named() -> None:
    page = text_of(FOLDER)
    assert f"`{','.join(REQUIRED_COLUMNS)}`" in page
    assert f"`{','.join(OPTIONAL_COLUMNS)}`" in page
