"""Time that is not: a Clock from the future, a start on a machine whose clock is wrong."""

from __future__ import annotations

from pathlib import Path

from streams.codec import encode
from streams.events import DAY_NS, Clock
from tests.attack.registry import attack, hold
from tests.attack.running import DAY_S, System, until

YEAR_S = 365 * DAY_S
LATER = "rows of today are taken in, and it is told aloud"


def _hears_the_market(system: System) -> None:
    with system.run() as run:
        run.up()
        run.rise()
        run.answers()
        hold("late" not in system.reasons(), "every row of today is late")
        run.until(system.alerts, 10, "a rise of 10 % raises no alert")
        run.ends()


@attack(6, LATER, limit_s=90, ci=True)
def clock_of_next_year_in_the_log(base: Path) -> None:
    """One record Clock that lies a year ahead."""
    system = System(base)
    system.inject([encode(Clock(ts_ns=system.now_ns() + 365 * DAY_NS))])
    _hears_the_market(system)


@attack(6, LATER, limit_s=90)
def clock_at_the_end_of_time(base: Path) -> None:
    """Clocks of 2^63 - 1, of below zero, and a final one, in the middle of the log."""
    system = System(base)
    edges = (2**63 - 1, -(2**63), -1, 0)
    records = [Clock(ts_ns=each, final=final) for each in edges for final in (False, True)]
    system.inject(map(encode, records))
    _hears_the_market(system)


REFUSES = "the next start refuses and says the mend, or hears the market"


def _after_a_start_ahead(base: Path, ahead_s: float) -> None:
    system = System(base)
    with system.run(ahead_s=ahead_s) as wrong:
        wrong.up()
        wrong.answers()
        wrong.ends()
    with system.run() as right:
        begun = lambda: right.process.poll() is not None or "followed" in right.said()  # noqa: E731
        until(begun, 30, "no start")
        if right.process.poll() is not None:
            said = right.said()
            hold(right.process.returncode in {1, 2}, f"exit code {right.process.returncode}")
            hold("Traceback" not in said, "a traceback")
            hold("future" in said or "ahead" in said, f"it does not say why: {said[-150:]}")
            return
    _hears_the_market(system)


@attack(6, REFUSES, limit_s=120)
def one_start_a_year_ahead(base: Path) -> None:
    """The machine's clock was a year ahead for one start, and is right again."""
    _after_a_start_ahead(base, YEAR_S)


@attack(6, REFUSES, limit_s=120)
def one_start_an_hour_ahead(base: Path) -> None:
    """The same by an hour, as a machine in the wrong zone is."""
    _after_a_start_ahead(base, 3600)
