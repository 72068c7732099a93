"""A system under attack: its newsquake.toml and state in a folder, runs of it, and what its journals hold."""

from __future__ import annotations

import calendar
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

from streams.codec import Record, decode
from streams.errors import RecordError
from streams.events import SECOND_NS, Alert, Clock, Headline, Reject
from streams.journal import Journal
from streams.segment import loaded, segment_of, spans
from tests.attack.registry import BrokenError, hold
from tests.ingest.newsroom import free_port as free_port  # noqa: PLC0414 - attacks take it from here
from tests.running import COMMAND, environment

LOOK_S: Final = 0.05
ANSWER_S: Final = 12.0  # in which a line that is written must be among the outputs
END_S: Final = 10.0  # what a container is given to end before it is killed
# A Tuesday, 15:00 UTC: New York trades. Runs are started with their clocks shifted to it.
MARKET_S: Final = calendar.timegm((2026, 11, 24, 15, 0, 0))
DAY_S: Final = 86_400
SECRET: Final = "whsec_c2VjcmV0LW9mLXRoZS1hdHRhY2s="
# JD has none: its first row is accepted as it comes, and no level is known of it.
CLOSES: Final = "symbol,date,close\nBABA,2026-11-23,100\nSPY,2026-11-23,600\n"
HEAD: Final = """\
[universe]
benchmark = "SPY.XNYS"
[[daily]]
path = "closes.csv"
columns = { symbol = "symbol", date = "date", close = "close" }
mic = "XNYS"
"""
_numbers = itertools.count(1)


def until(true: Callable[[], object], within_s: float, what: str) -> None:
    """Return once it is true; BrokenError where it is not in time."""
    end_s = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end_s:
            raise BrokenError(f"{what} (waited {within_s:.0f} s)")
        time.sleep(LOOK_S)


class System:
    """The configuration and the state of one `newsquake run`, and the time at which it lives."""

    def __init__(self, base: Path, more: str = "") -> None:
        self.base, self.home, self.out = base, base / "home", base / "alerts.jsonl"
        self.synced = base / "synced"  # the size of each file at each of its syncs
        self.config = base / "newsquake.toml"
        self.config.write_text(HEAD + more)
        (base / "closes.csv").write_text(CLOSES)
        self.offset_s = MARKET_S - time.time()

    def now_ns(self) -> int:
        """Return the time of day that its runs see."""
        return time.time_ns() + round(self.offset_s * SECOND_NS)

    @contextmanager
    def run(
        self, *words: str, files: int = 0, poison: str = "", ahead_s: float = 0.0
    ) -> Iterator[Run]:
        """Start a run, and kill it at the end where it still goes."""
        offset_s = self.offset_s + ahead_s
        launcher = [sys.executable, "-m", "tests.attack.shifted", str(offset_s)]
        launcher += ["--poison", poison] if poison else []
        launcher += ["--synced", str(self.synced)]
        limited = ["prlimit", f"--nofile={files}:{files}"] if files else []
        own = ["run", "--config", str(self.config), "--spool", str(self.home), "--out"]
        run = Run(self, [*limited, *launcher, *own, str(self.out), *words])
        try:
            yield run
        finally:
            run.kill()

    def records(self, which: Literal["inputs", "outputs"] = "outputs") -> list[Record]:
        """Return what a journal holds, over all days."""
        return [*read_journals(self.home, which)]

    def reasons(self) -> set[str]:
        """Return the reasons of all rejects."""
        return {each.reason for each in self.records() if isinstance(each, Reject)}

    def titles(self) -> set[str]:
        """Return the titles of all headlines."""
        return {each.title for each in self.records() if isinstance(each, Headline)}

    def alerts(self, listing: str = "") -> list[Alert]:
        """Return the states of alerts among the outputs."""
        alerts = [each for each in self.records() if isinstance(each, Alert)]
        return [each for each in alerts if each.listing == listing or not listing]

    def told(self) -> list[tuple[str, str, int]]:
        """Return (alert, transition, level) of each state that was told."""
        lines = self.out.read_bytes().splitlines() if self.out.exists() else []
        states = [json.loads(line) for line in lines]
        return [(each["alert_id"], each["transition"], each["level_pct"]) for each in states]

    def inject(self, records: Iterable[bytes]) -> None:
        """Put records into the journal of inputs, as a run that had taken them would leave them."""
        days = sorted(self.home.glob("????-??-??"))
        today = time.strftime("%Y-%m-%d", time.gmtime(self.now_ns() // SECOND_NS))
        folder = (days[-1] if days else self.home / today) / "inputs"
        folder.mkdir(parents=True, exist_ok=True)
        with Journal.open(folder, fsync="never") as journal:
            for record in records:
                journal.append(record)

    def clock_gap_s(self) -> int:
        """Return the longest time between two Clocks of the inputs, in seconds."""
        stamps = [x.ts_ns // SECOND_NS for x in self.records("inputs") if isinstance(x, Clock)]
        return max((after - before for before, after in itertools.pairwise(stamps)), default=0)


def read_journals(home: Path, which: str) -> Iterator[Record]:
    """Yield the whole records of all days, read beside whoever writes them."""
    for path in sorted(home.glob(f"????-??-??/{which}/*.log")):
        with suppress(FileNotFoundError):
            data = loaded(segment_of(path.parent, int(path.stem)))
            for start, stop in spans(data):
                with suppress(RecordError):
                    yield decode(data[start:stop])


class Run:
    """One process of `newsquake run`."""

    def __init__(self, system: System, command: list[str]) -> None:
        self.system = system
        number = next(_numbers)
        self._said, self._printed = system.base / f"{number}.err", system.base / f"{number}.out"
        quiet = {"NEWSQUAKE_HOOK": SECRET, "XDG_STATE_HOME": str(system.base / "state")}
        with self._said.open("wb") as said, self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=printed, stderr=said,
                cwd=Path(__file__).resolve().parents[2], env={**environment(), **quiet},
            )  # fmt: skip

    def said(self) -> str:
        """Return what it wrote to standard error."""
        return self._said.read_bytes().decode("utf-8", "replace")

    def printed(self) -> bytes:
        """Return what it wrote to standard output."""
        return self._printed.read_bytes()

    def write(self, data: bytes) -> None:
        """Write to its standard input."""
        assert self.process.stdin
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise BrokenError(f"it died: {self.end_of_words()}") from None

    def line(self, **fields: object) -> None:
        """Write one line."""
        self.write(json.dumps(fields).encode() + b"\n")

    def rise(self, listing: str = "BABA.XNYS", price: float = 110.0) -> None:
        """Let a listing trade at about a price, on several exchanges, so that nobody doubts it."""
        for number, exchange in enumerate("NPQZ"):
            ts_ns = self.system.now_ns() - 100_000_000 + number
            self.line(
                listing=listing, price=price + number / 100, ts_ns=ts_ns, size=100,
                exchange=exchange,
            )  # fmt: skip

    def up(self, within_s: float = 30.0) -> None:
        """Wait until it takes in what comes."""
        self.until(lambda: "followed" in self.said(), within_s, "it does not come up")

    def until(self, true: Callable[[], object], within_s: float, what: str) -> None:
        """Return once it is true; BrokenError where it is not in time, or the process ends."""

        def either() -> object:
            if true():
                return True
            hold(self.process.poll() is None, f"{what}: it died: {self.end_of_words()}")
            return False

        until(either, within_s, what)

    def answers(self, within_s: float = ANSWER_S) -> float:
        """Write a headline, wait until it is among the outputs, and return how long it took."""
        title = f"Probe {next(_numbers)} of {os.getpid()}"
        began_s = time.monotonic()
        self.line(title=title, source="probe.example", id=title)
        self.until(lambda: title in self.system.titles(), within_s, "a headline is not taken in")
        return time.monotonic() - began_s

    def ends(self, within_s: float = END_S) -> None:
        """Send SIGTERM; it ends well and in time, and has said no traceback."""
        self.ends_somehow(within_s)
        self.is_quiet()

    def ends_somehow(self, within_s: float = END_S) -> None:
        """Send SIGTERM; it ends in time and well, whatever it has said."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise BrokenError(f"deaf to SIGTERM for {within_s:.0f} s") from None
        hold(code == 0, f"SIGTERM ended it with {code}: {self.end_of_words()}")

    def is_quiet(self) -> None:
        """Hold that there is no traceback and no byte that a terminal obeys in what it said."""
        said = self.said()
        hold("Traceback" not in said, f"a traceback: {said[said.find('Traceback') :][-200:]}")
        hold("\x1b" not in said and b"\x1b" not in self.printed(), "ESC reached the terminal")

    def kill(self) -> None:
        """SIGKILL it where it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def end_of_words(self) -> str:
        """Return the last of what it said."""
        return self.said().strip()[-200:]


def survives(system: System, attack: Callable[[Run], None], *, answers_s: float = ANSWER_S) -> None:
    """Play an attack on a run: it goes on, ends when told to, and so does the run after it."""
    with system.run() as run:
        run.up()
        attack(run)
        for _ in range(2):  # rows wait a moment for others: the first may be read before them
            run.answers(answers_s)
        run.ends()
    with system.run() as again:
        again.up()
        again.answers()
        again.ends()


def posted(
    port: int, body: bytes, within_s: float = 15.0, path: str = "/", **headers: str
) -> tuple[int, dict[str, Any]]:
    """POST to a port of 127.0.0.1; return the status and the answer, (0, {}) where there is none."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=within_s) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refused:
        with refused, suppress(ValueError):
            return refused.code, json.loads(refused.read() or b"{}")
        return refused.code, {}
    except OSError:
        return 0, {}


def command(*words: object, cwd: Path, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end."""
    try:
        return subprocess.run(
            [*COMMAND, *map(str, words)], cwd=cwd, env=environment(), capture_output=True,
            encoding="utf-8", errors="replace", timeout=within_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BrokenError(f"no end within {within_s:.0f} s: newsquake {words[0]}") from None


def inbox(port: int) -> str:
    """Return an `[inbox]` table."""
    return f'[inbox]\nsource = "Posted"\nport = {port}\n'
