"""Topics, changelogs, spools and replays that an earlier release left on a broker are gone on with.

It scored headlines and explained moves by other rules: what is measured is equal to the byte, alerts
are raised at the same levels, and nothing that was told is told again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.dev.kafka import Account
from streams.codec import Record
from streams.events import Mention
from streams.messages import from_message
from tests.compatibility import day, kept
from tests.compatibility.brokers import (
    ALERTS,
    HEADLINES,
    MARKET,
    OUTPUTS,
    READS,
    Message,
    Topics,
    at_work,
    changelog,
    messages,
    offsets_in,
)
from tests.compatibility.desk import BrokerDesk, broker_desk
from tests.compatibility.live import until
from tests.compatibility.make_kafka import SPOOL_PREFIX, acknowledged
from tests.compatibility.replays import finished
from tests.compatibility.test_earlier import raised
from tests.running import newsquake

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves a socket behind where a client is closed while it connects once more.
    pytest.mark.usefixtures("refused_sockets"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LATER = day.CUT + 1_200  # when all that was tried in vain is due again
Said = tuple[bytes | None, bytes | None]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the old workers left: `cut` and `whole`."""
    return kept.unpack("workers", tmp_path_factory.mktemp("workers"))


@pytest.fixture
def topics(kafka: Account, prefix: str) -> Topics:
    made = Topics(kafka.bootstrap, prefix)
    made.create()
    return made


def begun(topics: Topics, old: Path, kind: str) -> None:
    """Put back what a kind of worker reads, its state, and how far it was."""
    topics.restore(old / "whole", READS[kind])
    topics.restore(old / "cut", changelog(kind))
    topics.commit(kind, offsets_in(old / "cut")[kind])


def done(topics: Topics, kind: str) -> Callable[[], bool]:
    """Return what tells whether a worker has acknowledged all; it does so on a Clock."""

    def told() -> bool:
        if kind != "deliver":
            topics.send_clocks(READS[kind])
        return topics.done(kind) == topics.ends(READS[kind])[READS[kind]]

    return told


def said(found: list[Message]) -> set[Said]:
    return {each.said for each in found}


def test_an_exported_folder_goes_into_topics_byte_for_byte(
    topics: Topics, old: Path, tmp_path: Path
) -> None:
    names = (HEADLINES, MARKET, *OUTPUTS)
    topics.restore(old / "whole", *names)
    for name, got in topics.read(tmp_path, *names).items():
        assert without_times(got) == without_times(messages(old / "whole", name)), name


def without_times(found: list[Message]) -> list[Message]:
    """Return what a folder holds, each partition in its order, but for when a broker took it."""
    plain = [each._replace(appended_ms=0) for each in found]
    return sorted(plain, key=lambda each: (each.partition, each.offset))


def test_a_react_worker_goes_on_from_an_old_changelog(
    topics: Topics, old: Path, tmp_path: Path
) -> None:
    begun(topics, old, "react")
    topics.restore(old / "cut", *OUTPUTS)
    with broker_desk(tmp_path, topics) as desk, at_work(desk.worker("react")):
        until(done(topics, "react"))
    offsets = offsets_in(old / "cut")["react"]
    for name, got in topics.read(tmp_path, *OUTPUTS).items():
        wanted, before = messages(old / "whole", name), messages(old / "cut", name)
        if name == ALERTS:
            assert set(raised(map(record_of, got))) == set(raised(map(record_of, wanted)))
        else:
            assert said(got) == said(wanted), name
        origins = [each.header("origin").split(b":") for each in new(got, before)]
        assert all(int(each[2]) >= offsets[each[0].decode()] for each in origins if len(each) > 1)


def record_of(message: Message) -> Record:
    found: Record = from_message(message.value, message.headers, dict)
    return found


def new(got: list[Message], before: list[Message]) -> list[Message]:
    """Return the records behind those that were put back."""
    known = {(each.partition, each.offset) for each in before}
    return [each for each in got if (each.partition, each.offset) not in known]


def test_a_score_worker_goes_on_from_an_old_changelog(
    topics: Topics, old: Path, tmp_path: Path
) -> None:
    """The stories of before the cut are known: a copy of one is a copy, a revision a revision."""
    begun(topics, old, "score")
    with broker_desk(tmp_path, topics) as desk, at_work(desk.worker("score")):
        until(done(topics, "score"))
    first = offsets_in(old / "cut")["score"]["0"]
    headlines = messages(old / "whole", HEADLINES)
    later = {name_of(each) for each in headlines if each.offset >= first and is_a(each, "Headline")}
    wanted = [each for each in mentions(messages(old / "whole", MARKET))
              if name_of(each) in later]  # fmt: skip
    assert len(later) >= 4  # those that came behind the cut, and what was not yet acknowledged
    found = mentions(topics.read(tmp_path, MARKET)[MARKET])
    assert set(map(story_of, found)) == set(map(story_of, wanted))
    assert len(said(wanted)) == len(later)


def story_of(message: Message) -> tuple[object, ...]:
    record = record_of(message)
    assert isinstance(record, Mention)
    return record.headline_id, record.revision, record.issuer, record.story_id, record.novelty


def is_a(message: Message, kind: str) -> bool:
    return message.header("type") == kind.encode()


def mentions(found: list[Message]) -> list[Message]:
    return [each for each in found if is_a(each, "Mention")]


def name_of(message: Message) -> tuple[str, int]:
    """Return what a headline or a Mention of it is known by."""
    assert message.value is not None
    record = json.loads(message.value)
    return record["headline_id"], record["revision"]


@pytest.mark.parametrize("outbox", [True, False], ids=["with its outbox", "on another machine"])
def test_a_deliver_worker_goes_on_from_an_old_changelog(
    topics: Topics, old: Path, tmp_path: Path, *, outbox: bool
) -> None:
    """What waited is told, what had been told is not told again."""
    begun(topics, old, "deliver")
    with broker_desk(tmp_path, topics) as desk:
        if outbox:
            give_outbox(desk, old / "cut" / "deliver")
        shutil.copy(old / "cut" / "alerts.jsonl", desk.alerts)
        desk.clock.set_second(LATER)
        had, *wanted = (tuple(each) for each in json.loads((old / "told.json").read_bytes()))
        with at_work(desk.worker("deliver")):
            until(done(topics, "deliver"))
            until(lambda: len(desk.told()) >= len(wanted))
            topics.until_quiet(changelog("deliver"))
        assert sorted(desk.told()) == sorted(wanted)
        assert had[2] == "opened"
        assert desk.alerts.read_bytes() == (old / "whole" / "alerts.jsonl").read_bytes()
        assert desk.shown() == {"BOR.XNYS", "BORB.XNAS", "TAL.XNYS"}


def give_outbox(desk: BrokerDesk, folder: Path) -> None:
    """Put the outbox where a worker of this broker, prefix and instance looks for it."""
    topics = desk.topics
    words = f"{topics.bootstrap} {topics.prefix} {topics.prefix}deliver-1"
    name = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.")
    into = desk.state / "newsquake" / "deliver"
    into.mkdir(parents=True)
    for path in folder.iterdir():
        ending = path.name.rpartition("-1.sqlite")[2]
        shutil.copy(path, into / f"{name}-1.sqlite{ending}")


def test_a_replay_through_kafka_that_was_killed_starts_afresh(
    kafka: Account, tmp_path: Path
) -> None:
    """Half of its OUT would be explained by other rules than the rest."""
    old, folder = kept.unpack("kafka_replay", tmp_path / "old"), day.write_replay(tmp_path / "day")
    out = old / "out"
    run = json.loads((out / "kafka-run.json").read_bytes())
    topics = Topics(kafka.bootstrap, run["prefix"])
    topics.create()
    topics.restore(old / "topics", MARKET, *OUTPUTS, changelog("react"))
    topics.commit("react", offsets_in(old / "topics")["react"])
    (out / "kafka-run.json").write_text(json.dumps({**run, "servers": [kafka.bootstrap]}))
    words = ("--broker", f"kafka://{kafka.bootstrap}", "--partitions", 2, "--workers", 1)
    summary = finished(folder, out, *words)
    wanted = finished(folder, tmp_path / "local")
    assert not summary["resumed"]
    assert summary["output_sha256"] == wanted["output_sha256"]
    before = json.loads((old / "summary.json").read_bytes())
    for name in ("ticks", "mentions", "reactions", "moves", "alerts"):
        assert summary[name] == before[name], name


def test_an_old_spool_is_sent_first(kafka: Account, tmp_path: Path) -> None:
    spool, topics = kept.unpack("spool", tmp_path / "spool"), Topics(kafka.bootstrap, SPOOL_PREFIX)
    topics.create()
    records = kept.journal(spool / f"{0:020}")
    first = acknowledged(spool)
    assert 0 < first < len(records) - 100
    run = json.loads((spool / "numbers.json").read_bytes())["run"]
    config = day.write_live(tmp_path / "config")
    ended = newsquake("ingest", *topics.words, "--config", config, "--spool", spool)
    assert ended.returncode == 0, ended.stderr
    assert "everything is acknowledged" in ended.stderr
    assert json.loads((spool / "numbers.json").read_bytes())["run"] == run
    wanted = waiting(records[first:])
    assert set(wanted[MARKET]) == {0, 1}
    for name, found in topics.read(tmp_path, HEADLINES, MARKET).items():
        got: dict[int, list[Said]] = {}
        for each in found:
            got.setdefault(each.partition, []).append(each.said)
        for partition, sent in wanted[name].items():
            assert got[partition][: len(sent)] == sent, (name, partition)
    assert topics.ends(ALERTS)[ALERTS] == 0


def waiting(records: list[bytes]) -> dict[str, dict[int, list[Said]]]:
    """Return what the records of a spool say, by topic and partition, in their order."""
    import msgspec

    found: dict[str, dict[int, list[Said]]] = {HEADLINES: {}, MARKET: {}, OUTPUTS[-1]: {}}
    for record in records:
        topic, partition, key, value, _ = msgspec.msgpack.decode(record)
        name = topic.removeprefix(SPOOL_PREFIX)
        found[name].setdefault(partition, []).append((key, value))
    return found
