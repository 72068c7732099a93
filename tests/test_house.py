"""The rules of the house that no linter knows: who may import whom, purity, size, hygiene."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import errors

ROOT = Path(__file__).resolve().parents[1]
PURE_ROOMS = ("agents/scoring", "agents/reacting")

FILE_LINES = 320
FUNCTION_LINES = 45
CLASS_LINES = 150
FOLDER_FILES = 30  # of code; a room that needs more has rooms inside

PREFIXED_FILES = 3  # that begin with the same word are a folder

# All that the pure rooms may import: nothing here reads a clock, a file, a socket, the
# environment or a random number by itself.
PURE_IMPORTS = {
    "__future__", "abc", "bisect", "collections", "dataclasses", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "html", "itertools", "json", "math", "operator", "re",
    "string", "struct", "types", "typing", "unicodedata",
    "ahocorasick_rs", "msgspec", "numpy", "vaderSentiment", "agents", "streams",
}  # fmt: skip
# `hash` and `id` differ from one process to the next; a replay may not.
IMPURE_NAMES = {
    "open", "print", "input", "exec", "eval", "compile", "breakpoint", "globals",
    "__import__", "__builtins__", "hash", "id",
}  # fmt: skip
IMPURE_NUMPY = {
    "random", "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt",
    "fromfile", "memmap",
}  # fmt: skip
# A path that exists on one machine only; the (?:...) keeps this line from matching itself.
MACHINE_PATH = re.compile(r"(?<![\w.~])(?:/(?:home|Users|root|work)/\w|[A-Z]:\\Users\\)")


def tracked() -> list[Path]:
    """Return every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: which files are tracked is not known")
    names = {name for name in done.stdout.decode().split("\0") if name}
    return sorted(path for path in (ROOT / name for name in names) if path.is_file())


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def product_files() -> list[Path]:
    return python_files("streams", "agents", "dashboards", "deploy")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def impurities(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, what) of everything in a pure room that could reach outside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = imported(node)
            yield from ((node.lineno, f"import {n}") for n in names if n not in PURE_IMPORTS)
        elif what := impure_use(node):
            yield getattr(node, "lineno", 0), what


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name.split(".")[0] for each in node.names]
    return ["." * node.level if node.level else str(node.module).split(".")[0]]


def impure_use(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) if name in IMPURE_NAMES:
            return name
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if name in IMPURE_NUMPY:
            return f"np.{name}"
        case ast.Constant(value="now" | "today"):  # numpy.datetime64 reads the clock for these
            return "the time of day"
    return ""


@pytest.mark.parametrize("path", python_files(*PURE_ROOMS), ids=name_of)
def test_the_pure_rooms_reach_for_nothing(path: Path) -> None:
    found = [f"{name_of(path)}:{line}: {what}" for line, what in impurities(parsed(path))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "import os.path",
        "from datetime import datetime",
        "from . import clock",
        "from importlib import resources",
        "x = __import__('time')",
        "with open('x') as f: pass",
        "print(1)",
        "key = hash('BABA')",
        "np.random.default_rng()",
        "numpy.fromfile('x')",
        "np.datetime64('now')",
    ],
)
def test_impurity_is_seen(code: str) -> None:
    assert list(impurities(ast.parse(code)))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= FILE_LINES
    long = [
        f"{name_of(path)}:{node.lineno}: {node.name}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in product_files():
        yield from ((path, n) for n in ast.walk(parsed(path)) if isinstance(n, ast.ClassDef))


def test_classes_stay_small() -> None:
    long = [
        f"{name_of(path)}: {node.name} has {lines} lines"
        for path, node in classes()
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > CLASS_LINES
    ]
    assert long == []


def test_a_class_name_has_one_meaning() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path, node in classes():
        where[node.name].append(name_of(path))
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def test_folders_stay_small() -> None:
    files = Counter(name_of(path.parent) for path in product_files())
    assert {folder: n for folder, n in files.items() if n > FOLDER_FILES} == {}


def prefixed_files(names: list[str]) -> dict[str, list[str]]:
    """Return the files of one folder that a prefix tells apart: a room of its own, or its word."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[name.partition("_")[0]].append(name)
    return {prefix: each for prefix, each in groups.items() if len(each) >= PREFIXED_FILES}


def test_no_file_is_named_by_a_prefix_that_a_folder_could_say() -> None:
    folders: dict[Path, list[str]] = defaultdict(list)
    for path in product_files():
        folders[path.parent].append(path.stem)
    found = {
        name_of(f): groups for f, stems in folders.items() if (groups := prefixed_files(stems))
    }
    said = [
        name_of(path) for path in product_files() if path.stem.startswith(f"{path.parent.name}_")
    ]
    assert (found, said) == ({}, [])


def test_a_prefix_is_seen() -> None:
    assert prefixed_files(["web", "web_read", "web_pages", "store"]) == {
        "web": ["web", "web_read", "web_pages"]
    }
    assert prefixed_files(["host_gate", "hosts", "json_feed", "json_values"]) == {}


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_names_say_what_things_are(path: Path) -> None:
    vague = re.compile(r"(?i)utils?$|helpers?$|(?<!alert)manager$|misc$")
    named = [path.stem, *(n.name for n in ast.walk(parsed(path)) if isinstance(n, ast.ClassDef))]
    assert [name for name in named if vague.search(name)] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        lines = enumerate(text.splitlines(), 1)
        found += [f"{name_of(path)}:{n}: {line}" for n, line in lines if MACHINE_PATH.search(line)]
    assert found == []


def test_a_machine_path_is_seen() -> None:
    for folder in ("home", "Users", "root", "work"):
        assert MACHINE_PATH.search(f'open("/{folder}/someone/file")')
    assert not MACHINE_PATH.search("https://example.org/work/item and ~/work/x")


def test_the_product_does_not_know_the_shared_data() -> None:
    folders = ("streams", "agents", "dashboards", "deploy")
    found = [
        name_of(path)
        for path in tracked()
        if name_of(path).startswith(folders) and b"../shared" in path.read_bytes()
    ]
    assert found == []


@pytest.mark.parametrize("path", [*product_files(), *python_files("tests")], ids=name_of)
def test_source_is_ascii(path: Path) -> None:
    # Letters that look alike are different bytes; a test of them writes their escapes.
    data = path.read_bytes()
    assert data.isascii(), data.decode("utf-8", "replace").encode("ascii", "replace").decode()


@pytest.mark.parametrize(
    "heading", ["dependencies = [", "dev = [", "requires = [", "ignore = [", '"tests/**" = [']
)
def test_every_dependency_and_exception_has_its_reason(heading: str) -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    (start,) = (n for n, line in enumerate(lines) if line.startswith(heading))
    entries = []
    for line in lines[start:]:
        entries += [line] if '"' in line.removeprefix(heading) else []
        if line.split("#")[0].rstrip().endswith("]") and line != heading:
            break
    assert entries
    assert [line for line in entries if not re.search(r"#\s*\S+", line)] == []


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    locked = {package["name"] for package in lock["package"]}
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.split(r"[<>=~!\[ ]", each)[0].lower().replace("_", "-") for each in wanted}
    assert names <= locked


def test_the_error_tree_is_drawn_whole() -> None:
    drawn = re.findall(r"^\s+\* (\w+)", errors.__doc__ or "", re.MULTILINE)
    known = [n for n, each in vars(errors).items() if isinstance(each, type) and n[0].isupper()]
    assert sorted(drawn) == sorted(known)


def test_the_scripts_can_be_run() -> None:
    for path in (ROOT / ".ci").iterdir():
        assert os.access(path, os.X_OK), name_of(path)
        subprocess.run(["bash", "-n", path], check=True)
