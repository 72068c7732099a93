"""What the doctor looks at on this machine alone: configuration, calendars, disk, what `dev` needs."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from agents.config.newsquake import NewsquakeFile, load_config
from agents.config.universe import universe_of
from agents.dev.kafka import lacking
from agents.doctor.check import Check, State
from agents.machine.folders import cache_home, state_home
from streams.errors import ConfigError, InputError, NewsquakeError
from streams.events import DAY_NS
from streams.reference.calendars import MICS, Calendar, calendar_for
from streams.reference.special_days import EPOCH_ORDINAL
from streams.reference.universe import Universe

CONFIG_FILE: Final = "newsquake.toml"
CALENDAR_DAYS: Final = 60  # time enough to bring a new version out and in
# Chosen: below the second a few journal segments (64 MB each) no longer fit, and the first leaves
# time to act before that.
DISK_WARNING_GB: Final = 2.0
DISK_WRONG_GB: Final = 0.2


def configuration(path: Path | None) -> Generator[Check, None, NewsquakeFile | None]:
    """Read the configuration and the universe; return the former, None where it cannot be used."""
    try:
        config = load_config(path)
    except ConfigError as fault:
        mend = "correct that place; the message says what would be valid"
        yield Check("configuration", CONFIG_FILE, "wrong", str(fault), mend)
        return None
    yield Check("configuration", CONFIG_FILE, "ok", _described(path, config))
    return config


def _described(path: Path | None, config: NewsquakeFile) -> str:
    rules = f"{len(config.rules)} rule{'s' * (len(config.rules) != 1)}"
    if path is not None:
        return f"{path} can be read, {rules}"
    near = f"; {CONFIG_FILE} in this folder is not read without --config {CONFIG_FILE}"
    return f"no --config: built-in settings, {rules}{near * Path(CONFIG_FILE).is_file()}"


def universe(
    config: NewsquakeFile | None, path: Path | None
) -> Generator[Check, None, Universe | None]:
    """Load the universe that the configuration names, and look the rules' listings up in it."""
    if config is None:
        detail = "which one is not known while the configuration is wrong"
        yield Check("configuration", "universe", "skipped", detail)
        return None
    try:
        found = universe_of(config, path)
    except (ConfigError, InputError) as fault:
        mend = "correct that place, or name another file"
        yield Check("configuration", "universe", "wrong", str(fault), mend)
        return None
    source = config.universe.file or "built in"
    detail = f"{source}: {len(found.listings)} listings of {len(found.issuers)} issuers"
    yield Check("configuration", "universe", "ok", detail)
    yield from _unknown_listings(config, found)
    return found


def _unknown_listings(config: NewsquakeFile, found: Universe) -> Iterator[Check]:
    for rule in config.rules:
        unknown = [listing for listing in rule.listings if listing not in found.listings]
        if unknown:
            detail = f"{', '.join(unknown)}: not in the universe, so the rule never fires for it"
            mend = "correct `listings` of the rule, or add a row to the universe"
            yield Check("configuration", f"rule {rule.name}", "wrong", detail, mend)


def calendars(found: Universe | None, now_ns: int) -> Iterator[Check]:
    """Say until when the shipped session tables of the universe's venues reach."""
    if found is None:
        yield Check("calendars", "sessions", "skipped", "there is no universe to look at")
        return
    venues: dict[str, list[str]] = {}
    for mic, count in sorted(Counter(each.mic for each in found.listings.values()).items()):
        if mic in MICS:
            venues.setdefault(calendar_for(mic).name, []).append(mic)
        else:
            detail = f"no calendar for this venue, so its {count} listings are not followed"
            mend = f"leave them out of the universe; known are {', '.join(MICS)}"
            yield Check("calendars", mic, "warning", detail, mend)
    for name, mics in venues.items():
        yield _reach(name, mics, calendar_for(mics[0]), now_ns)


def _reach(name: str, mics: list[str], calendar: Calendar, now_ns: int) -> Check:
    last = int(calendar.session_dates[-1])
    left = last - now_ns // DAY_NS
    state: State = "ok" if left >= CALENDAR_DAYS else "warning" if left >= 0 else "wrong"
    date = dt.date.fromordinal(last + EPOCH_ORDINAL)
    when = f"in {left} days" if left >= 0 else f"{-left} days ago"
    detail = f"the last session known is {date}, {when} (for {', '.join(mics)})"
    mend = (
        "install a newer release; in a checkout raise LAST_DAY in streams/reference/special_days.py "
        "and run: python -m streams.reference.generate"
    )
    return Check("calendars", name, state, detail, "" if state == "ok" else mend)


def disk() -> Iterator[Check]:
    """Look at the room where state and downloads go."""
    yield _room("state", state_home())
    yield _room("cache", cache_home())


def _room(name: str, place: Path) -> Check:
    there = next(each for each in (place, *place.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Check("disk", name, "wrong", f"{there} cannot be written", f"chown or chmod {there}")
    free_gb = shutil.disk_usage(there).free / 1e9
    state: State = (
        "ok" if free_gb >= DISK_WARNING_GB else "warning" if free_gb >= DISK_WRONG_GB else "wrong"
    )
    mend = "" if state == "ok" else f"make room there; {DISK_WARNING_GB:.0f} GB is enough"
    return Check("disk", name, state, f"{free_gb:.1f} GB free for {place}", mend)


def development() -> Iterator[Check]:
    """Say whether `newsquake dev up` could start a broker here; nothing else needs that."""
    try:
        reason = lacking()
    except NewsquakeError as fault:
        reason = str(fault)
    if reason is None:
        yield Check("development", "newsquake dev", "ok", "Java is here, and Maven or the jars")
    else:
        need, _, remedy = reason.partition(". ")
        yield Check(
            "development", "newsquake dev", "skipped", f"only `dev` needs it: {need}", remedy
        )
