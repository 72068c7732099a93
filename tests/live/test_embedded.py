"""The embedded live runtime on the Alibaba day: the replay's outputs, wherever it is cut off."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agents.live import embedded
from agents.live.embedded import Embedded
from agents.machine.clock import now_ns
from agents.reacting.config import Rule
from agents.reacting.engine import Engine
from agents.replay.play.backend import LocalBackend
from agents.replay.play.inputs import Inputs, read_inputs
from agents.replay.play.player import ReplayOptions
from agents.replay.play.replay import Replay
from streams.codec import canonical_json, decode
from streams.errors import JournalError
from streams.events import Alert, Clock, Headline, MarketRecord, Mention, Output, TickFrame
from streams.journal import Journal
from tests.running import demo_day, records

DAY_BEFORE_NS = 1_758_585_600_000_000_000  # 2025-09-23 UTC


class Recorder(Engine):
    """An engine that remembers what it was given."""

    given: list[Any]

    def apply(self, record: MarketRecord) -> list[Output]:
        self.given.append(record)
        return super().apply(record)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture(scope="module")
def day(base: Path) -> tuple[Inputs, list[Any]]:
    """The inputs of the day as a live run takes them: headlines in their places, no Mentions."""
    whole, _ = demo_day(base)
    return taken_in(whole / "replay", base / "unused")


def taken_in(folder: Path, out: Path) -> tuple[Inputs, list[Any]]:
    """Return a replay folder's inputs, and its records as a live run takes them in."""
    inputs = read_inputs(folder, (Rule(),), lambda _: None)
    engine = Recorder(inputs.engine)
    engine.given = []
    replay = Replay(inputs, out, LocalBackend(engine), ReplayOptions(frame=200))
    log: list[Any] = []
    for outputs in replay.steps():
        log += [record for record in engine.given if not isinstance(record, Mention)]
        log += [record for record in outputs if isinstance(record, Headline)]
        engine.given.clear()
    return inputs, log + [r for r in engine.given if not isinstance(r, Mention)]


class Told:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def deliver(self, alert: Alert) -> None:
        self.alerts.append(alert)


def begun(inputs: Inputs, folder: Path, told: Told) -> Embedded:
    return Embedded(folder, inputs.universe, inputs.engine, [told])


def send(log: Embedded, record: Any) -> None:
    match record:
        case Headline():
            log.send_headline(record)
        case Clock():
            log.send_clock(record)
        case TickFrame():
            log.send_frame(0, record)
        case _:
            raise AssertionError(record)


def outputs_of(folder: Path) -> list[bytes]:
    found = []
    for day in sorted(folder.glob("????-??-??")):
        with Journal.open(day / "outputs") as journal:
            found += [bytes(payload) for _, payload in journal.read()]
    return found


@pytest.fixture(scope="module")
def whole(day: tuple[Inputs, list[Any]], base: Path) -> tuple[list[bytes], list[Alert]]:
    """What comes of the day in one go."""
    log = begun(day[0], base / "whole", told := Told())
    for record in day[1]:
        send(log, record)
    log.flush()
    log.close()
    return outputs_of(base / "whole"), told.alerts


def test_it_gives_what_the_replay_gives(whole: tuple[list[bytes], list[Alert]], base: Path) -> None:
    kinds = Counter[str]()
    for payload in whole[0]:
        kinds[type(decode(payload)).__name__] += 1
    replayed, _ = demo_day(base)
    for kind, file in {"Headline": "headlines", "Mention": "mentions", "Move": "moves"}.items():
        assert kinds[kind] == len(records(replayed, file)), kind
    wanted = {canonical_json(row) for row in records(replayed, "alerts_log")}
    assert {canonical_json(alert) for alert in whole[1]} == wanted
    assert wanted


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_anywhere_changes_no_byte_and_tells_nothing_twice(
    day: tuple[Inputs, list[Any]], whole: tuple[list[bytes], list[Alert]],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int,
) -> None:  # fmt: skip
    chance = random.Random(seed)
    seconds = itertools.count(step=(0.01, 0.002, 0.0)[seed])  # 200, 1,000 Clocks, or never
    monkeypatch.setattr(embedded, "elapsed_s", lambda: next(seconds))
    if seed == 0:  # the run began on the day before, so that it passes midnight on its way
        monkeypatch.setattr(embedded, "now_ns", lambda: DAY_BEFORE_NS)
    inputs, records_in = day
    told = Told()
    log = begun(inputs, tmp_path, told)
    monkeypatch.setattr(embedded, "now_ns", now_ns)
    cuts = set(chance.sample(range(len(records_in)), 4))
    for number, record in enumerate(records_in):
        if number in cuts:
            log.close()  # what a kill leaves: every record is handed to the system as it comes
            log = begun(inputs, tmp_path, told)
        send(log, record)
    log.close()
    assert outputs_of(tmp_path) == whole[0]
    assert told.alerts == whole[1]


def test_one_run_a_folder(day: tuple[Inputs, list[Any]], tmp_path: Path) -> None:
    log = begun(day[0], tmp_path, Told())
    with pytest.raises(JournalError, match="has it open"):
        begun(day[0], tmp_path, Told())
    log.close()


def test_new_rules_keep_the_day(day: tuple[Inputs, list[Any]], tmp_path: Path) -> None:
    """Prices and stories of before a restart are there after it, whatever the rules are now."""
    import msgspec

    inputs, records_in = day
    log = begun(inputs, tmp_path, Told())
    half = len(records_in) // 2
    for record in records_in[:half]:
        send(log, record)
    log.close()
    config = msgspec.structs.replace(inputs.engine, rules=(Rule(name="other"),))
    told = Told()
    log = Embedded(tmp_path, inputs.universe, config, [told])
    for record in records_in[half:]:
        send(log, record)
    log.close()
    assert any(alert.rule == "other" for alert in told.alerts)
