"""The figures of a review of the house, by anyone at any time: `python -m tests.house_figures`.

    python -m tests.house_figures              # a table of this checkout
    python -m tests.house_figures --json
    python -m tests.house_figures --root DIR   # another checkout, an older commit of it say

Read by `ast` from the tracked Python files of the product. A function counts from its `def` to its
last line, nested ones too; parameters without `self` and `cls`. Broad are `except:`, `except
Exception` and `except BaseException`. A name has two meanings where two classes bear it. A public
thing is a module, or what no underscore begins, neither itself nor what is around it; functions of
a public name are those whose own name no underscore begins, wherever they stand.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import re
import statistics
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("agents", "streams", "dashboards", "deploy")
FOLDERS_SHOWN = 12
LOG = re.compile(r"_?(log|logger|logging)$")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Thing = Function | ast.ClassDef
Figures = dict[str, Any]


class Place(NamedTuple):
    """Something that was measured, and where it stands."""

    size: int
    name: str

    def __str__(self) -> str:
        return f"{self.size} ({self.name})"


class House:
    """All trees of the product."""

    def __init__(self, root: Path) -> None:
        self.texts = {name: (root / name).read_text("utf-8") for name in product_files(root)}
        self.trees = {name: ast.parse(text) for name, text in self.texts.items()}

    def all(self, *kinds: type[ast.AST]) -> Iterator[tuple[str, Any]]:
        """Yield (file, node) of every node of some kinds."""
        for name, tree in self.trees.items():
            yield from ((name, node) for node in ast.walk(tree) if isinstance(node, kinds))

    def functions(self) -> Iterator[tuple[str, Function]]:
        yield from self.all(ast.FunctionDef, ast.AsyncFunctionDef)


def product_files(root: Path) -> list[str]:
    """Return the tracked Python files of the product that are there, sorted."""
    command = ["git", "ls-files", "-z", "--", *PRODUCT]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    names = sorted(name for name in done.stdout.decode().split("\0") if name.endswith(".py"))
    return [name for name in names if (root / name).is_file()]


def figures_of(root: Path) -> Figures:
    """Return all figures of a checkout."""
    house = House(root)
    lines = sorted(_lines(node) for _, node in house.functions())
    handlers, broad = _handlers(house)
    things = [thing for tree in house.trees.values() for thing in (tree, *_public(tree))]
    named = [node for _, node in house.functions() if not node.name.startswith("_")]
    annotated = sum(_is_annotated(node) for _, node in house.functions())
    return {
        "lines": sum(text.count("\n") for text in house.texts.values()),
        "files": len(house.texts),
        "files_a_folder": dict(Counter(_folder(name) for name in house.texts).most_common()),
        "longest_file": _longest((text.count("\n"), name) for name, text in house.texts.items()),
        "functions": len(lines),
        "function_lines_median": statistics.median(lines),
        "function_lines_p95": lines[math.ceil(0.95 * len(lines)) - 1],
        "longest_function": _longest(_placed(house.functions())),
        "longest_class": _longest(_placed(house.all(ast.ClassDef))),
        "most_parameters": _longest(
            (len(_parameters(node)), f"{name}:{node.lineno} {node.name}")
            for name, node in house.functions()
        ),
        "excepts": handlers,
        "broad_excepts": broad,
        "broad_excepts_pct": _pct(len(broad), handlers),
        "class_names_with_two_meanings": _twice(house),
        "log_calls": _log_calls(house),
        "public_things": len(things),
        "public_documented_pct": _pct(_documented(things), len(things)),
        "functions_of_a_public_name": len(named),
        "functions_documented_pct": _pct(_documented(named), len(named)),
        "functions_annotated_pct": _pct(annotated, len(lines)),
    }


def _folder(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _lines(node: Thing) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _placed(found: Iterator[tuple[str, Any]]) -> Iterator[tuple[int, str]]:
    return ((_lines(node), f"{name}:{node.lineno} {node.name}") for name, node in found)


def _longest(found: Iterator[tuple[int, str]]) -> Place:
    return Place(*max(found, key=lambda each: (each[0], each[1])))


def _pct(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0


def _parameters(node: Function) -> list[ast.arg]:
    spec = node.args
    named = [*spec.posonlyargs, *spec.args]
    if named and named[0].arg in {"self", "cls"}:
        named = named[1:]
    return [*named, *spec.kwonlyargs, *(x for x in (spec.vararg, spec.kwarg) if x)]


def _is_annotated(node: Function) -> bool:
    return node.returns is not None and all(each.annotation for each in _parameters(node))


def _handlers(house: House) -> tuple[int, list[str]]:
    """Return how many handlers there are, and where the broad ones stand."""
    found = list(house.all(ast.ExceptHandler))
    return len(found), [f"{name}:{node.lineno}" for name, node in found if _is_broad(node.type)]


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or (
        isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"}
    )


def _twice(house: House) -> dict[str, list[str]]:
    """Return the names that more than one class bears, and where these stand."""
    places = defaultdict(list)
    for name, node in house.all(ast.ClassDef):
        places[node.name].append(f"{name}:{node.lineno}")
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def _log_calls(house: House) -> dict[str, int]:
    """Return how many calls of a logger there are, by level."""
    levels: Counter[str] = Counter()
    for _, node in house.all(ast.Call):
        match node.func:
            case ast.Attribute(value=ast.Name(id=who) | ast.Attribute(attr=who), attr=level):
                levels[level] += level in LEVELS and bool(LOG.fullmatch(who))
    return {level: count for level, count in sorted(levels.items()) if count}


def _documented(things: Iterable[Any]) -> int:
    return sum(ast.get_docstring(thing) is not None for thing in things)


def _public(scope: ast.Module | ast.ClassDef) -> Iterator[Thing]:
    for node in scope.body:
        if isinstance(node, Thing) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def table(figures: Figures) -> str:
    """Return the figures as a table of Markdown."""
    folders = list(figures["files_a_folder"].items())[:FOLDERS_SHOWN]
    twice = figures["class_names_with_two_meanings"]
    logs, broad = figures["log_calls"], figures["broad_excepts"]
    rows = {
        "lines, files": f"{figures['lines']:,}, {figures['files']}",
        "files a folder, the fullest": ", ".join(f"{name} {count}" for name, count in folders),
        "longest file, lines": figures["longest_file"],
        "functions": f"{figures['functions']:,}",
        "function lines: median, p95": (
            f"{figures['function_lines_median']:g}, {figures['function_lines_p95']}"
        ),
        "longest function, lines": figures["longest_function"],
        "longest class, lines": figures["longest_class"],
        "most parameters": figures["most_parameters"],
        "broad excepts": (
            f"{len(broad)} of {figures['excepts']} ({figures['broad_excepts_pct']} %): "
            + ", ".join(broad)
        ),
        "class names with two meanings": f"{len(twice)}: {', '.join(twice)}",
        "log calls": f"{sum(logs.values())}: "
        + ", ".join(f"{level} {count}" for level, count in logs.items()),
        "public things documented": (
            f"{figures['public_documented_pct']} % of {figures['public_things']:,}"
        ),
        "functions of a public name documented": (
            f"{figures['functions_documented_pct']} % of {figures['functions_of_a_public_name']:,}"
        ),
        "functions annotated": f"{figures['functions_annotated_pct']} %",
    }
    return "\n".join(
        ["| figure | now |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="a checkout (default: this one)")
    parser.add_argument("--json", action="store_true", help="all of it, as JSON")
    args = parser.parse_args(argv)
    figures = figures_of(args.root)
    print(json.dumps(figures, indent=2) if args.json else table(figures))


if __name__ == "__main__":
    main()
