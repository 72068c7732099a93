"""Blocks of Prometheus's database made of a file of history, by promtool; recording rules included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from agents.dev.http_server import (
    CONSOLE,
    await_ready,
    free_address,
    log_end,
    port_was_taken,
)
from agents.machine.installed import command_of
from agents.machine.processes import alive, end, spawn
from streams.errors import NewsquakeError, UsageError
from streams.times import DAY_S

KEPT: Final = "100y"  # retention counts from the newest sample: today's would end a day of 2007
CONFIG: Final = "# Nothing is scraped: the history in `data` is all there is.\nscrape_configs: []\n"
MOST_PARTS: Final = 200  # files open at once
BLOCK_S: Final = 2 * 3600  # what lies farther apart shares no block
STARTS: Final = 3
_RECORD: Final = re.compile(r"record:\s*[\"']?([A-Za-z_:][\w:]*)")
_SAID_CHARS: Final = 2000


def promtool() -> str:
    """Return the command, "" where it is not installed."""
    return command_of("promtool")


def refuse_in_use(data: Path) -> None:
    """Raise UsageError where a Prometheus, or anything else, has files of a folder open.

    Its lock file tells nothing: Debian's Prometheus writes none.
    """
    inside = f"{data.resolve()}/"
    for process in Path("/proc").glob("[0-9]*"):
        if any(name.startswith(inside) for name in _opened(process)):
            raise UsageError(
                f"process {process.name} has {data} open: end that Prometheus, or give another OUT"
            )


def _opened(process: Path) -> Iterator[str]:
    """Yield what a process has open; nothing of one that has ended, or is somebody else's."""
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())


def make_blocks(history: Path, span_s: tuple[int, int], work: Path, data: Path) -> int:
    """Write the history as blocks into the new folder `data`; return how many they are.

    promtool reads a whole file again for each two hours in it: so it is given one a day.
    """
    data.mkdir()
    parts = work / "parts"
    parts.mkdir()
    for part in _parts(history, span_s, parts):
        _run(promtool(), "tsdb", "create-blocks-from", "openmetrics", str(part), str(data))
        part.unlink()
    return len(_blocks(data))


def add_rules(
    rules: Path, spans_s: Sequence[tuple[int, int]], step_s: int, work: Path, data: Path
) -> int:
    """Add what recording rules would have recorded in some spans; return how many blocks that is.

    Rules do not see each other's series: where one needs another's, all are worked out twice.
    """
    seen = work / "seen"
    shutil.copytree(data, seen, copy_function=os.link)  # what runs on it may compact it
    for number in range(2 if _build_on_each_other(rules) else 1):
        made = work / f"rules-{number}"
        with _prometheus(seen, work / f"console-{number}") as url:
            for first_s, last_s in _by_day(spans_s):
                _run(
                    promtool(), "tsdb", "create-blocks-from", "rules", f"--url={url}",
                    f"--start={first_s}", f"--end={last_s}", f"--eval-interval={step_s}s",
                    f"--output-dir={made}", str(rules),
                )  # fmt: skip
        made.mkdir(exist_ok=True)  # it is not there where no rule gave anything
        if number == 0:
            shutil.copytree(made, seen, dirs_exist_ok=True)
    found = _blocks(made)
    for block in found:
        block.rename(data / block.name)
    return len(found)


def _by_day(spans_s: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut spans at midnight, UTC: promtool holds all that it works out at once, 100 MB a day."""
    for first_s, last_s in spans_s:
        for day in range(first_s // DAY_S, last_s // DAY_S + 1):
            yield max(first_s, day * DAY_S), min(last_s, (day + 1) * DAY_S - 1)


def _blocks(data: Path) -> list[Path]:
    return sorted(path.parent for path in data.glob("*/meta.json"))


def recorded_by(rules: Path) -> list[str]:
    """Return the names of the series that a file of rules records."""
    return _RECORD.findall(rules.read_text("utf-8"))


def _build_on_each_other(rules: Path) -> bool:
    text, names = rules.read_text("utf-8"), recorded_by(rules)
    return any(len(re.findall(rf"{re.escape(name)}\b", text)) > names.count(name) for name in names)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-_SAID_CHARS:]
        raise NewsquakeError(f"{' '.join(command[:4])} failed: {said}")


@contextmanager
def _prometheus(data: Path, folder: Path) -> Iterator[str]:
    """Run a Prometheus on a folder of blocks meanwhile."""
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text(CONFIG, "ascii")
    with ExitStack() as undo:
        for _ in range(STARTS):
            address = free_address()
            command = (
                command_of("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                f"--storage.tsdb.retention.time={KEPT}",
                f"--web.listen-address={address}",
            )
            process = spawn(command, folder / CONSOLE)
            undo.callback(end, process)
            try:
                await_ready("prometheus", f"http://{address}", partial(alive, process))
            except NewsquakeError as fault:
                if port_was_taken(folder):
                    continue
                raise NewsquakeError(f"{fault}\n{log_end(folder)}") from fault
            yield f"http://{address}"
            return
    raise NewsquakeError(f"prometheus: found no free port in {STARTS} starts")


# -- a file a day


def _parts(history: Path, span_s: tuple[int, int], folder: Path) -> Iterator[Path]:
    """Cut the history into files of whole days, each one well-formed; yield them in order."""
    first_day, last_day = span_s[0] // DAY_S, span_s[1] // DAY_S
    days = -(-(last_day - first_day + 1) // MOST_PARTS)  # of each part
    with ExitStack() as files:
        parts: dict[int, _Part] = {}
        heads: list[bytes] = []
        began = False
        with history.open("rb") as lines:
            for line in lines:
                if line.startswith(b"# "):
                    heads = [line] if began else [*heads, line]
                    began = False
                    continue
                began = True
                number = (int(line[line.rindex(b" ") :]) // DAY_S - first_day) // days
                part = parts.get(number)
                if part is None:
                    file = files.enter_context((folder / f"{number}.om").open("wb"))
                    part = parts[number] = _Part(file)
                part.write(heads, line)
        for part in parts.values():
            part.file.write(b"# EOF\n")
    yield from (folder / f"{number}.om" for number in sorted(parts))


class _Part:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._heads: list[bytes] = []

    def write(self, heads: list[bytes], line: bytes) -> None:
        """Write a sample, after the head of its family where that is another than before."""
        if heads is not self._heads:
            self.file.writelines(heads)
            self._heads = heads
        self.file.write(line)
