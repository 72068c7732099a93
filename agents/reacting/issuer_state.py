"""The state of one issuer: its lines, its news, and everything that is to fall due."""

from __future__ import annotations

from heapq import heappop, heappush

import msgspec

from agents.reacting.alerting import EXPLAIN, RESOLVE, Alerting
from agents.reacting.benchmark import Benchmark
from agents.reacting.config import Rule
from agents.reacting.expiry import expire
from agents.reacting.explaining.surroundings import Surroundings
from agents.reacting.listing_state import ListingState, listing_named
from agents.reacting.moves import Crossing
from agents.reacting.news import News, untimely
from agents.reacting.reaction_tracker import OPEN, AwaitedTrades, ReactionTracker, Scheduled
from agents.reacting.reactions import OpenReaction
from agents.reacting.rules import AlertState
from agents.reacting.validation import YEAR_2000_NS
from streams.events import NEVER_NS, Alert, Mention, Output

EXPIRE = "expire"
OWN_DATE = (EXPIRE, EXPLAIN, RESOLVE)  # due on the trade date or never: no matter of a reaction


class KeptIssuer(msgspec.Struct):
    """Everything a snapshot keeps of an issuer, its lines apart."""

    news: News
    reactions: dict[str, OpenReaction] = msgspec.field(name="watches")  # the key on disk
    waiting: AwaitedTrades
    heap: list[Scheduled]
    alerts: dict[str, AlertState]


class IssuerState:
    """One issuer at work. Outputs go to `out`, in the order they come about."""

    __slots__ = ("_alerting", "_heap", "_news", "_tracker", "lines")

    def __init__(
        self,
        lines: list[ListingState],
        rules: tuple[Rule, ...],
        benchmarks: dict[str, Benchmark],
        around: Surroundings,
        out: list[Output],
    ) -> None:
        self.lines = lines
        self._tracker = ReactionTracker(benchmarks, out)
        self._alerting = Alerting(rules, around, out)
        self._news = News()
        self._heap: list[Scheduled] = []

    @property
    def news(self) -> News:
        """Return what is known of its news."""
        return self._news

    def alerts(self) -> list[AlertState]:
        """Return the alerts that are open, each with the move it explains."""
        return list(self._alerting.alerts.values())

    def open_alerts(self) -> list[Alert]:
        """Return the newest state of each alert that is open."""
        return [state.alert for state in self._alerting.alerts.values()]

    def state(self, *, news: bool = True) -> KeptIssuer:
        """Return what `restore` needs, the news only where asked for."""
        tracker, known = self._tracker, self._news if news else News()
        return KeptIssuer(
            known, tracker.reactions, tracker.waiting, self._heap, self._alerting.alerts
        )

    def restore(self, state: KeptIssuer) -> None:
        """Take the state of a snapshot."""
        self._news, self._heap = state.news, state.heap
        self._tracker.reactions, self._tracker.waiting = state.reactions, state.waiting
        self._alerting.alerts = state.alerts

    def is_idle(self) -> bool:
        """Tell whether there is nothing a snapshot would have to keep."""
        return not (self._heap or self._news.mentions or self._tracker.waiting)

    def next_due(self) -> int:
        """Return the earliest instant at which something falls due."""
        return self._heap[0][0] if self._heap else NEVER_NS

    @property
    def waits(self) -> bool:
        """Tell whether any reaction waits for a first trade."""
        return bool(self._tracker.waiting)

    def may_start(self) -> bool:
        """Tell whether `fire` may find the first trade that a reaction waits for."""
        return self._tracker.may_start(self.lines)

    def fire(self, watermark_ns: int, *, ended: bool = False) -> None:
        """Do all that has fallen due, in order; `ended`: horizons get no price any more."""
        while True:
            if self._tracker.waiting:
                # a start is due at the end of its second: never before what is due earlier
                before_ns = min(watermark_ns, self.next_due() - 1)
                self._schedule(self._tracker.start(self.lines, before_ns))
            if not self._heap or self._heap[0][0] > watermark_ns:
                return
            _, listing, key, what, exact_ns = heappop(self._heap)
            self._act(listing_named(self.lines, listing), key, what, exact_ns, ended=ended)

    def finish(self, before_ns: int, watermark_ns: int) -> None:
        """End the log at a final Clock; `before_ns` is the watermark before it.

        What it makes due happens, but a horizon that was not due before it gets no price.
        """
        self.fire(before_ns)
        self.fire(watermark_ns, ended=True)
        while self._heap:
            _, listing, key, what, exact_ns = heappop(self._heap)
            if what not in OWN_DATE:
                self._act(listing_named(self.lines, listing), key, what, exact_ns, ended=True)
        self._tracker.abandon(self.lines)

    def _act(self, line: ListingState, key: str, what: str, exact_ns: int, *, ended: bool) -> None:
        if what == OPEN:
            self._schedule(self._tracker.open(key, line))
        elif what == EXPIRE:
            if line.state.filter.due_ns() == exact_ns:  # else its rows were settled before
                self.after_row(line, expire(line), NEVER_NS)
        elif what == RESOLVE:
            self._alerting.resolve(key, line, exact_ns, self._news)
        elif what == EXPLAIN:
            self._schedule(self._alerting.read_market(key, line, exact_ns, self._news))
        else:
            self._tracker.close(key, line, what, exact_ns, ended=ended)

    def _schedule(self, scheduled: list[Scheduled]) -> None:
        for entry in scheduled:
            heappush(self._heap, entry)

    def refuses(self, mention: Mention, clock_ns: int) -> str:
        """Return why a mention cannot be news here at this Clock, "" if it can."""
        sessions = self.lines[0].sessions
        if mention.event_ns < max(sessions.first_ns, YEAR_2000_NS):
            return "past"
        if mention.event_ns >= sessions.end_ns:
            return "future"
        return untimely(mention.event_ns, clock_ns)

    def learn(self, mention: Mention, watermark_ns: int, clock_ns: int) -> bool:
        """Take a mention in; return False for a repeat."""
        changed, first = self._news.learn(mention)
        if not changed:
            return False
        self._news.forget(clock_ns)
        if first and mention.action != "deleted":
            self._schedule(self._tracker.begin(mention, self.lines, watermark_ns))
            self.fire(watermark_ns)
        self._alerting.explain_again(mention, self.lines, self._news)
        return True

    def after_row(self, line: ListingState, crossings: list[Crossing], clock_ns: int) -> None:
        """Act on what a row did: time the expiry of held rows, raise moves and alerts.

        `clock_ns` is the newest Clock before it, which bounds what is known of the market.
        """
        due_ns = line.state.filter.due_ns()
        if due_ns is not None:
            entry = (due_ns, line.name, "", EXPIRE, due_ns)
            if entry not in self._heap:  # a handful of entries, and only while rows are held
                heappush(self._heap, entry)
        for crossing in crossings:
            raised = self._alerting.crossed(line, crossing, clock_ns, self.lines, self._news)
            self._schedule(raised)
