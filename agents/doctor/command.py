"""`newsquake doctor`: what is wrong and how to mend it, one line a check, as it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.text import Text

from agents.broker.connection import Connection, broker_addresses, connection_of
from agents.doctor import broker as doctor_broker
from agents.doctor import machine, news
from agents.doctor.check import Check
from agents.machine.clock import now_ns as wall_ns
from agents.machine.terminal import plain_console, print_json
from streams.errors import UsageError
from streams.topics import MARKET, prefixed

COLOURS = {"ok": "green", "warning": "yellow", "wrong": "bold red", "skipped": "dim"}


def run_doctor(
    config: Path | None,
    broker: str | None,
    prefix: str | None,
    *,
    as_json: bool,
    now_ns: Callable[[], int] = wall_ns,
) -> int:
    """Look at everything and tell; exit code 1 where anything is wrong.

    UsageError: not a valid broker address or prefix.
    """
    if broker is not None:
        broker_addresses(broker)
    prefixed(prefix or "", MARKET)
    found = diagnosed(config, broker, prefix, now_ns)
    checks = list(found) if as_json else _told(found)
    ok = all(each.state != "wrong" for each in checks)
    if as_json:
        print_json({"ok": ok, "checks": checks})
    return 0 if ok else 1


def diagnosed(
    config: Path | None, broker: str | None, prefix: str | None, now_ns: Callable[[], int]
) -> Iterator[Check]:
    """Yield every check as soon as it is done."""
    settings = yield from machine.configuration(config)
    universe = yield from machine.universe(settings, config)
    yield from machine.calendars(universe, now_ns())
    yield from machine.disk()
    yield from machine.development()
    yield from news.checks(settings, config)
    if settings is None:
        yield from _skipped("how to log in is not known while the configuration is wrong")
    elif broker is None and settings.kafka.broker is None:
        yield from _skipped("no broker is named (--broker, or [kafka]); without one all runs here")
    else:
        yield from _of_broker(lambda: connection_of(broker, prefix, settings.kafka, config), now_ns)


def _of_broker(named: Callable[[], Connection], now_ns: Callable[[], int]) -> Iterator[Check]:
    try:
        broker = named()
        prefixed(broker.prefix, MARKET)
    except UsageError as fault:
        yield Check("broker", "address", "wrong", str(fault), "correct [kafka]")
        yield from _skipped("the broker's address is wrong", doctor_broker.AREAS)
    else:
        yield from doctor_broker.checks(broker, now_ns)


def _skipped(
    reason: str, areas: Sequence[str] = ("broker", *doctor_broker.AREAS)
) -> Iterator[Check]:
    for area in areas:
        yield Check(area, area, "skipped", reason)


# -- for people


def _told(found: Iterator[Check]) -> list[Check]:
    """Print each check at once, under its area's name."""
    console = plain_console()
    seen: list[Check] = []
    with console.status("looking ...") if console.is_terminal else nullcontext():
        for check in found:
            if not seen or seen[-1].area != check.area:
                console.print(check.area)
            console.print(_line(check))
            if check.mend:
                console.print(f"           to mend it: {check.mend}")
            seen.append(check)
            console.file.flush()
    console.print(_sum(seen))
    return seen


def _line(check: Check) -> Text:
    name = "" if check.name == check.area else f"{check.name}: "
    return Text.assemble("  ", (f"{check.state:9}", COLOURS[check.state]), name, check.detail)


def _sum(seen: list[Check]) -> str:
    wrong, warnings = (sum(c.state == state for c in seen) for state in ("wrong", "warning"))
    if not wrong and not warnings:
        return "all is well"
    return f"{wrong} wrong, {warnings} warning{'s' * (warnings != 1)}"
