"""The row engine: order, watermarks, and what fires when (sections 1 and 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from streams.events import DAY_NS, SECOND_NS, Clock, Flag, Listing, Mention, TickFrame
from streams.reference.calendars import Calendar
from tests.oracle.benchmark import Benchmark
from tests.oracle.cases import Case, case_of
from tests.oracle.closes import DailyRow
from tests.oracle.division import Told
from tests.oracle.line import Line
from tests.oracle.outputs import AlertKey, Outputs, Record, Transition
from tests.oracle.reactions import Task, Watch
from tests.oracle.rows import Row, rows_of
from tests.oracle.venue import EPOCH_ORDINAL, venue_of

FUTURE_NS = 5 * SECOND_NS
HIGHEST_PRICE = 10**15  # millionths
LARGEST_SIZE = 10**12
YEAR_2000_NS = int(dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()) * SECOND_NS


@dataclass
class IssuerState:
    """What one issuer's lines and headlines share."""

    newest_ns: int | None = None
    lines: list[Line] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    known: dict[str, Mention] = field(default_factory=dict)  # newest revisions by headline id


def has_bad_price(row: Row) -> bool:
    _, high, low, _ = row.prices
    return min(row.prices) <= 0 or max(row.prices) > HIGHEST_PRICE or low > high


class Oracle:
    """Reads a market log and says what it means."""

    def __init__(
        self,
        listings: Sequence[Listing],
        calendars: Mapping[str, Calendar],
        daily: Sequence[DailyRow] = (),
        benchmark: str = "",
        lateness_ns: int = 2_000_000_000,
    ) -> None:
        self.out = Outputs(crossed=self._crossed)
        self.cases: dict[AlertKey, Case] = {}  # of open alerts
        self.told: dict[AlertKey, list[tuple[str, Told]]] = {}
        self._expiring = False
        self.lateness_ns = lateness_ns
        self.clock_ns: int | None = None
        self.lines: dict[str, Line] = {}
        self.issuers: dict[str, IssuerState] = {}
        self.applied: dict[str, int] = {}  # run -> the number of its last applied row
        self.benchmark_of = {each.listing: each.benchmark or benchmark for each in listings}
        self.benchmarks: dict[str, Benchmark] = {}
        for each in listings:
            line = Line(each, venue_of(calendars[each.mic]), daily, self.out)
            self.lines[each.listing] = line
            self.issuers.setdefault(each.issuer, IssuerState()).lines.append(line)
        for name in sorted(set(self.benchmark_of.values()) & set(self.lines)):
            line = self.lines[name]
            self.benchmarks[name] = Benchmark(name, line.listing.mic, line.venue, daily)

    @property
    def moves(self) -> list[Record]:
        return self.out.moves

    @property
    def reactions(self) -> list[Record]:
        return self.out.reactions

    @property
    def rejects(self) -> list[Record]:
        return self.out.rejects

    @property
    def alerts(self) -> dict[AlertKey, list[Transition]]:
        return self.out.alerts

    def apply(self, record: object) -> None:
        if isinstance(record, TickFrame):
            self._frame(record)
        elif isinstance(record, Mention):
            self._mention(record)
        elif isinstance(record, Clock):
            self._clock(record)

    def _frame(self, frame: TickFrame) -> None:
        for number, row in enumerate(rows_of(frame), frame.first_seq):
            last = self.applied.get(frame.run)
            if last is not None and number <= last:
                continue
            if last is not None and number > last + 1:
                self.out.gaps += 1
            self.applied[frame.run] = number
            self._row(row)

    def _row(self, row: Row) -> None:
        """Do steps 1 to 8 of a tick row."""
        line = self.lines.get(row.listing)
        reason = "unknown_listing" if line is None else self._fault(row, line)
        if reason is not None or line is None:
            self.out.reject(reason or "", row.listing, row.ts_ns)
            return
        if Flag.point in row.flags:
            self._point(row)
            return
        issuer = self.issuers[line.listing.issuer]
        watermark = self._watermark(issuer)
        if watermark is not None and row.ts_ns < watermark:
            self.out.reject("late", row.listing, row.ts_ns)
            return
        self._advance(issuer, row.ts_ns)
        self._fire(issuer)
        line.apply(row)

    def _fault(self, row: Row, line: Line) -> str | None:
        bounds = line.venue.bounds
        if has_bad_price(row):
            return "bad_price"
        if not 0 <= row.size <= LARGEST_SIZE:
            return "bad_size"
        if row.ts_ns < max(YEAR_2000_NS, bounds[0]):
            return "past"
        bounded = self.clock_ns is not None and Flag.point not in row.flags
        beyond_clock = bounded and row.ts_ns > (self.clock_ns or 0) + FUTURE_NS
        return "future" if beyond_clock or row.ts_ns >= bounds[-1] else None

    def _point(self, row: Row) -> None:
        benchmark = self.benchmarks.get(row.listing)
        if benchmark is not None:
            benchmark.apply(row)

    def _watermark(self, issuer: IssuerState) -> int | None:
        return None if issuer.newest_ns is None else issuer.newest_ns - self.lateness_ns

    @staticmethod
    def _advance(issuer: IssuerState, ts_ns: int) -> None:
        newest = issuer.newest_ns
        issuer.newest_ns = ts_ns if newest is None else max(newest, ts_ns)

    def _mention(self, mention: Mention) -> None:
        issuer = self.issuers.get(mention.issuer)
        if issuer is None:
            return
        if reason := self._untimely(mention.event_ns, issuer.lines[0].venue.bounds):
            self.out.reject(reason, mention.issuer, mention.event_ns)
            return
        known = issuer.known.get(mention.headline_id)
        if known is not None and known.revision >= mention.revision:
            return
        issuer.known[mention.headline_id] = mention
        if known is None and mention.action != "deleted":
            self._watch(issuer, mention)
        for key, case in self.cases.items():
            if self.lines[key[0]].listing.issuer == mention.issuer:
                case.explain("updated", issuer.known)

    def _watch(self, issuer: IssuerState, mention: Mention) -> None:
        for line in issuer.lines:
            issuer.watches.append(
                Watch(
                    mention,
                    line,
                    self.benchmarks.get(self.benchmark_of[line.listing.listing]),
                    self._watermark(issuer),
                    self.out.reactions,
                )
            )
        self._fire(issuer)

    def _untimely(self, event_ns: int, bounds: Sequence[int]) -> str | None:
        if event_ns < max(YEAR_2000_NS, bounds[0]):
            return "past"
        if event_ns >= bounds[-1]:
            return "future"
        if self.clock_ns is None:
            return None
        if event_ns > self.clock_ns + DAY_NS:
            return "future"
        return "past" if event_ns < self.clock_ns - 9 * DAY_NS else None

    def _clock(self, clock: Clock) -> None:
        if not YEAR_2000_NS <= clock.ts_ns < 2**62:
            self.out.reject("implausible_clock", "", clock.ts_ns)
            return
        self.clock_ns = clock.ts_ns if self.clock_ns is None else max(self.clock_ns, clock.ts_ns)
        for issuer in self.issuers.values():
            self._advance(issuer, self.clock_ns)
            if clock.final:
                self._finish(issuer)
            else:
                self._fire(issuer)

    def _tasks(self, issuer: IssuerState) -> Iterator[Task]:
        for line in issuer.lines:
            name = line.listing.listing
            if line.expiry_ns is not None:
                yield Task(line.expiry_ns, name, "", "", partial(self._expire, line))
            for key in self.out.open_alerts(name):
                yield self._resolution(line, key)
                case = self.cases[key]
                if case.due_ns is not None:
                    settle = partial(case.settle, issuer.known)
                    yield Task(case.due_ns, name, "~", "", settle)
        for watch in issuer.watches:
            yield from watch.tasks()

    def _resolution(self, line: Line, key: AlertKey) -> Task:
        day = dt.date.fromisoformat(key[1]).toordinal() - EPOCH_ORDINAL
        end = line.venue.last_end(day)
        return Task(end, key[0], "~~", "", lambda: self._resolve(key, end))

    def _resolve(self, key: AlertKey, end: int) -> None:
        self.out.resolve(key, end)
        issuer = self.issuers[self.lines[key[0]].listing.issuer]
        self.cases.pop(key).explain("resolved", issuer.known)

    def _expire(self, line: Line) -> None:
        """Let a held row expire: what it crosses is known as of then, whatever the Clock."""
        self._expiring = True
        line.expire()
        self._expiring = False

    def _crossed(self, key: AlertKey, line: Line, t_ns: int, price: int) -> None:
        """Explain a move that opens or escalates an alert."""
        if self.out.alerts[key][-1][0] == "resolved":
            return
        known_ns = -1 if self.clock_ns is None else self.clock_ns - SECOND_NS
        benchmark = self.benchmarks.get(self.benchmark_of[line.listing.listing])
        case = case_of(line, benchmark, t_ns, price, None if self._expiring else known_ns)
        case.told = self.told.setdefault(key, [])
        self.cases[key] = case
        transition = self.out.alerts[key][-1][0]
        case.explain(transition, self.issuers[line.listing.issuer].known)

    def _fire(self, issuer: IssuerState, *, reactions: bool = True) -> None:
        """Run what has fallen due, one by one, always the first in order."""
        watermark = self._watermark(issuer)
        while watermark is not None:
            due = [t for t in self._tasks(issuer) if t.due_ns <= watermark]
            due = [t for t in due if reactions or not t.horizon]
            if not due:
                break
            min(due, key=lambda t: t[:4]).run()
        issuer.watches = [w for w in issuer.watches if w.waiting]

    def _finish(self, issuer: IssuerState) -> None:
        """End the log: reactions that were not due before the final Clock have no trade."""
        self._fire(issuer, reactions=False)
        for watch in issuer.watches:
            if not watch.opened:
                watch.open()
        for watch in issuer.watches:
            watch.no_trade()
        issuer.watches = []
