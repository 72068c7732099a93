"""What a run keeps: who may read it, what secrets are in it, and what damage to it does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from streams.codec import encode
from streams.events import Alert, Clock
from streams.journal import Journal
from tests.attack.hosting import feeds, hosted, rising
from tests.attack.registry import BrokenError, attack, hold
from tests.attack.running import Run, System, command

TOKEN = "s3cr3t0123456789abcdef"


def _rise_told(system: System, run: Run) -> None:
    run.rise()
    run.until(system.told, 20, "a rise of 10 % raises no alert")


@attack("low", "folders 0700, files 0600", limit_s=60)
def modes(base: Path) -> None:
    """Under the usual umask of 022."""
    before = os.umask(0o022)
    system = System(base)
    with hosted({"/good": rising("good")}) as server:
        system = System(base, feeds(server, good="127.0.0.1") + "[web]\nport = 0\n")
        with system.run() as run:
            run.up()
            run.until(lambda: any("Good" in x for x in system.titles()), 25, "no feed is read")
            run.answers()
            run.ends()
    os.umask(before)
    open_ = [
        f"{path.relative_to(base)} {stat.S_IMODE(path.stat().st_mode):o}"
        for path in [system.home, *system.home.rglob("*")]
        if path.stat().st_mode & 0o077
    ]
    hold(not open_, f"{len(open_)} readable by others: {', '.join(open_[:4])}")


@attack("low", "no secret in any file of the state, nor in what is said", limit_s=90, ci=True)
def secrets_in_the_state(base: Path) -> None:
    """A key in the query of a feed, in its user part, and in a redirect that it answers with."""
    from tests.http.misbehaving import redirect

    answers = {"/good": rising("good"), "/moved": redirect(301, f"/good?token={TOKEN}2")}
    with hosted(answers) as server:
        urls = {
            "query": f"http://127.0.0.1:{server.port}/good?key={TOKEN}0",
            "user": f"http://me:{TOKEN}1@127.0.0.1:{server.port}/good",
            "moved": f"http://127.0.0.1:{server.port}/moved",
        }
        tables = "".join(
            f'[[feeds]]\nname = "{n}"\nurl = "{url}"\ninterval_s = 5\n' for n, url in urls.items()
        )
        system = System(base, tables)
        with system.run() as run:
            run.up()
            run.until(lambda: len(server.asked) >= 4, 40, "the feeds are not asked for")
            run.answers()
            run.ends()
        said = run.said()
    files = [path for path in base.rglob("*") if path.is_file() and path != system.config]
    leaks = sorted({
        f"{path.relative_to(base)} ({('query', 'user', 'redirect')[n]})"
        for path in files for n in range(3) if f"{TOKEN}{n}".encode() in path.read_bytes()
    })  # fmt: skip
    hold(not leaks, f"in {', '.join(leaks)}")
    hold(TOKEN not in said, "said aloud")


@attack("low", "no secret in what `feeds list|add|check` prints, nor in a name", limit_s=300)
def secrets_in_what_feeds_prints(base: Path) -> None:
    """Keys in a query, a user part and a path."""
    with hosted({f"/{TOKEN}/rss": rising("good"), "/good": rising("good")}) as server:
        address = f"127.0.0.1:{server.port}"
        urls = (f"http://{address}/good?key={TOKEN}", f"http://me:{TOKEN}@{address}/good", f"http://{address}/{TOKEN}/rss")  # fmt: skip
        leaks = []
        for number, url in enumerate(urls):
            config = base / f"{number}.toml"
            for words in (["check", url], ["add", url, "--config", str(config)], ["add", url, "--untried", "--config", str(base / f"u{number}.toml")], ["list", "--config", str(config)], ["list", "--json", "--config", str(config)]):  # fmt: skip
                done = command("feeds", *words, cwd=base)
                if TOKEN in done.stdout + done.stderr:
                    leaks.append(f"{' '.join(words[:1])} of {('query', 'user', 'path')[number]}")
            names = [x for x in config.read_text().splitlines() if x.startswith("name")] if config.exists() else []  # fmt: skip
            leaks += [f"the name made of the {('query', 'user', 'path')[number]}" for x in names if TOKEN in x]  # fmt: skip
    hold(not leaks, "; ".join(dict.fromkeys(leaks)))


NUMBERS = (
    b"", b"junk", b"[]", b"null", b'{"run": "", "rows": [0], "points": {}}',
    b'{"run": "x", "rows": [9223372036854775807], "points": {"SPY.XNYS": 9223372036854775807}}',
    b'{"run": "x", "rows": [-9223372036854775808], "points": {"SPY.XNYS": -5}}',
    b'{"run": "x", "rows": [99999999999999999999999], "points": {}}',
    b'{"run": "x", "rows": [1.5], "points": {}}', b"\0" * 4096, b'{"run": "\x1b[31m", "rows": [0], "points": {}}',
)  # fmt: skip


@attack("low", "the run starts, and rows are applied", limit_s=600)
def numbers_of_junk(base: Path) -> None:
    """numbers.json empty, torn, of other types, at the edges of int64, of zeros."""
    faults = []
    for number, junk in enumerate(NUMBERS):
        folder = base / str(number)
        folder.mkdir()
        system = System(folder)
        system.home.mkdir()
        (system.home / "numbers.json").write_bytes(junk)
        try:
            with system.run() as run:
                run.up()
                run.rise()
                run.until(system.alerts, 12, "rows are not applied")
                run.ends()
        except BrokenError as fault:
            faults.append(f"{junk[:60]!r}: {fault}")
    hold(not faults, f"{len(faults)} of {len(NUMBERS)}: {' | '.join(faults)}")


@attack("low", "it is said aloud; the checkpoint before it is used: no alert is told again", limit_s=120, ci=True)  # fmt: skip
def damaged_checkpoint(base: Path) -> None:
    """A byte of the newest checkpoint of the outputs is another."""
    system = System(base)
    with system.run() as run:
        run.up()
        _rise_told(system, run)
        _awaits_checkpoint(system, run)
        run.ends()
    before = system.told()
    path = next(system.home.glob("????-??-??/outputs/checkpoint"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with system.run() as again:
        again.up()
        again.answers()
        again.ends()
        hold(system.told() == before, f"{len(system.told()) - len(before)} states told again")
        hold("checkpoint" in again.said(), "nothing is said of it")


def _awaits_checkpoint(system: System, run: Run) -> None:
    path = next(system.home.glob("????-??-??/outputs/checkpoint"))
    before = path.stat().st_mtime_ns
    run.until(lambda: path.stat().st_mtime_ns > before, 20, "no checkpoint follows")


@attack("low", "what was told is not told again", limit_s=120)
def state_of_another_version(base: Path) -> None:
    """A release raises the version of the state: the day is done again from its inputs."""
    system = System(base)
    with system.run() as run:
        run.up()
        _rise_told(system, run)
        _awaits_checkpoint(system, run)
        run.ends()
    before = system.told()
    _raise_version(next(system.home.glob("????-??-??/outputs")))
    with system.run() as again:
        again.up()
        again.answers()
        again.ends()
    twice = len(system.told()) - len(before)
    hold(not twice, f"{twice} states told again")
    states = [
        (x.alert_id, x.transition, x.level_pct) for x in system.records() if isinstance(x, Alert)
    ]
    hold(len(states) == len(set(states)), "states are twice in the journal of outputs")


def _raise_version(outputs: Path) -> None:
    with Journal.open(outputs, fsync="never") as journal:
        kept = journal.last_checkpoint()
        assert kept
        state = msgspec.msgpack.decode(kept[1])
        old = state["version"] if isinstance(state, dict) else state[0]
        if isinstance(state, dict):
            state["version"] = old + 1
        else:
            state[0] = old + 1
        journal.checkpoint(msgspec.msgpack.encode(state))


@attack(3, "a run that cannot go on says so in a line, and does not lose what follows", limit_s=90)
def inputs_of_another_version(base: Path) -> None:
    """A record of a type, and one of a schema, that this program does not know, between good ones."""
    system = System(base)
    good = encode(Clock(ts_ns=system.now_ns()))
    system.inject([good, b"\x63\x01{}", bytes((3, 99)) + b"{}", b"", b"\x06\x01{", good])
    with system.run() as run:
        run.up()
        run.answers()
        run.ends()
    reasons = system.reasons()
    hold(reasons, "nothing is said of the records that cannot be read")
