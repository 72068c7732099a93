"""Make what is left with a broker: `workers`, `kafka_replay`, `spool` and `dev`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compatibility import day, kept
from tests.compatibility.brokers import (
    ALERTS,
    HEADLINES,
    MARKET,
    OUTPUTS,
    READS,
    Topics,
    at_work,
    changelog,
    frozen,
)
from tests.compatibility.desk import BrokerDesk, broker_desk, slowly
from tests.compatibility.embedded import first_alert_only
from tests.compatibility.live import LiveRun, until
from tests.compatibility.replays import (
    SPEED_ON_A_BROKER,
    finished,
    killed_after_saving,
    paced,
)
from tests.running import COMMAND, environment

WORKERS = (
    "topics of score, react and deliver workers, as `newsquake journal export` keeps them. cut/: "
    "changelogs and outputs when all three were killed with SIGKILL at 13:36:00 of the small day, "
    "offsets.json, deliver/ (outbox of the deliver worker), alerts.jsonl; whole/: all topics at "
    "the end, the workers having gone on; told.json: all that a webhook was sent, first what it "
    "had taken before"
)
REPLAY = (
    "OUT of `newsquake replay --broker` that was killed with SIGKILL with its worker, and its "
    "topics, changelog and offsets then; summary.json: that of the same replay without a cut"
)
SPOOL = (
    "spool of `newsquake ingest` (prefix old-spool.) that was killed with SIGKILL while the broker "
    "did not answer: some records acknowledged, the rest waiting; numbers.json"
)
DEV = "state.json of `newsquake dev up`, of servers that have long ended"
EVERYTHING = (HEADLINES, MARKET, *OUTPUTS, *map(changelog, READS))
SPOOL_PREFIX = "old-spool."


class Servers:
    """What `newsquake dev up` has started."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._environment = {**environment(), "XDG_STATE_HOME": str(state)}
        told = self.dev("up")
        self.bootstrap: str = told["kafka"]["bootstrap"]
        self.pid: int = told["kafka"]["pid"]

    def dev(self, what: str) -> dict[str, dict[str, str]]:
        done = subprocess.run(
            [*COMMAND, "dev", what, "--json"],
            env=self._environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)


@contextmanager
def servers(state: Path) -> Iterator[Servers]:
    started = Servers(state)
    try:
        yield started
    finally:
        started.dev("down")


def make(work: Path, commit: str) -> None:
    with servers(work / "state") as started:
        (work / "dev").mkdir(parents=True)
        shutil.copy(started.state / "newsquake" / "dev" / "state.json", work / "dev")
        topics = Topics(started.bootstrap, "old-desk.")
        topics.create()
        with broker_desk(work / "desk", topics) as made:
            _workers(made, work / "workers")
        _replay(started, work / "replaying", work / "kafka_replay")
        _spool(started, work / "spooling", work / "spool")
    named = {"workers": WORKERS, "kafka_replay": REPLAY, "spool": SPOOL, "dev": DEV}
    for name, what in named.items():
        kept.pack(name, work / name)
        kept.note(name, what, commit)


# -- workers


def _workers(made: BrokerDesk, into: Path) -> None:
    made.hook.answer, made.manager.answer = first_alert_only, lambda _: 503
    made.clock.set_second(day.BEGIN)
    with at_work(*map(made.worker, READS)) as first, made.ingesting(day.BEGIN) as run:
        until(lambda: all(worker.has_begun() for worker in first[:2]))
        before = [step for step in day.steps() if step.then <= day.CUT]
        run.say(before, slowly(day.MIDNIGHT, day.SAVED))
        cut, *rest = (step for step in day.steps() if step.at >= day.CUT)
        run.tell(cut)  # no Clock follows: nobody saves, and this has to be done again
        made.topics.until_quiet(*EVERYTHING)
        for worker in first:
            worker.kill()
        _cut(made, into / "cut")
        (had,) = made.told()
        made.hook.got.clear()
        made.hook.answer = made.manager.answer = lambda _: 200
        with at_work(*map(made.worker, READS)) as again:
            run.go_on(cut)
            until(lambda: all(worker.has_begun() for worker in again))
            _rest(made, run, rest)
            told = made.told()
        run.end()
    made.topics.export((HEADLINES, MARKET, *OUTPUTS), into / "whole")
    (into / "told.json").write_text(json.dumps([had, *told]))
    shutil.copy(made.alerts, into / "whole")


def _rest(made: BrokerDesk, run: LiveRun, rest: list[day.Step]) -> None:
    """Tell the rest of the day, and wait until each worker has done all of it."""
    run.say(rest, slowly(*(step.then for step in rest[-2:])))
    for kind, topic in READS.items():
        until(
            lambda kind=kind, topic=topic: made.topics.done(kind) == made.topics.ends(topic)[topic]
        )
    made.topics.until_quiet(*EVERYTHING)


def _cut(made: BrokerDesk, into: Path) -> None:
    made.topics.export((*OUTPUTS, *map(changelog, READS)), into)
    offsets = {kind: made.topics.committed(kind) for kind in READS}
    (into / "offsets.json").write_text(json.dumps(offsets))
    kept_outside = made.state / "newsquake" / "deliver"  # of releases that kept it in a file
    if kept_outside.exists():
        shutil.copytree(kept_outside, into / "deliver")
    shutil.copy(made.alerts, into)


# -- a replay


def _replay(started: Servers, work: Path, into: Path) -> None:
    folder, out = day.write_replay(work / "day"), into / "out"
    summary = finished(folder, work / "whole")
    words = ("--broker", f"kafka://{started.bootstrap}", "--partitions", "2", "--workers", "1")
    process = paced(folder, out, *words, speed=SPEED_ON_A_BROKER)
    with killed_after_saving(process, out, 2):
        prefix = json.loads((out / "kafka-run.json").read_bytes())["prefix"]
        topics = Topics(started.bootstrap, prefix)
        until(lambda: min(topics.committed("react").values(), default=0) > 0)
        until(lambda: topics.ends(ALERTS)[ALERTS] > 0)
    names = (MARKET, *OUTPUTS, changelog("react"))
    topics.until_quiet(*names)  # the worker ends with its parent
    topics.export(names, into / "topics")
    offsets = {"react": topics.committed("react")}
    (into / "topics" / "offsets.json").write_text(json.dumps(offsets))
    shutil.rmtree(out / "workers")
    (into / "summary.json").write_text(json.dumps(summary))


# -- a spool


def _spool(started: Servers, work: Path, into: Path) -> None:
    topics = Topics(started.bootstrap, SPOOL_PREFIX)
    topics.create()
    steps = list(day.steps())
    with broker_desk(work, topics) as made, made.ingesting(day.BEGIN) as run:
        run.say(steps[:6])
        spool = work / "spool"
        records = len(kept.journal(spool / f"{0:020}"))
        names = (HEADLINES, MARKET, "newsquake.rejects")
        until(lambda: sum(topics.ends(*names).values()) == records)
        until(lambda: acknowledged(spool) == records)
        with frozen(started.pid):
            run.say(steps[6:30])
            run.kill()
    shutil.copytree(spool, into)


def acknowledged(spool: Path) -> int:
    """Return how many records of a spool are known to have arrived: the state of a checkpoint."""
    data = (spool / "acknowledged" / "checkpoint").read_bytes()
    return int.from_bytes(data[16:24], "little")  # behind magic and offset, before the checksum
