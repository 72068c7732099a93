"""SIGKILL at any moment of a run with feeds, ticks, the inbox and a webhook."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

from streams.events import Headline, Reaction
from tests.attack.hosting import counted, feeds, hosted
from tests.attack.registry import attack, hold
from tests.attack.running import Run, System, free_port, inbox, posted
from tests.delivery.receiver import receiving
from tests.http.misbehaving import document
from tests.ingest.newsroom import release

HOLDS = "nothing acknowledged is lost; no reaction, no state of an alert is written twice"


def _busy(run: Run, port: int, life: int, end_s: float, taken: list[str]) -> None:
    """Post, write lines and ticks until the time of the kill."""
    number = 0
    while time.monotonic() < end_s and run.process.poll() is None:
        name = f"{life}.{number}"
        if posted(port, release(f"Posted {name}", name), 2.0)[0] == 202:
            taken.append(name)
        run.line(listing="BABA.XNYS", price=100 + life + number / 100, ts_ns=run.system.now_ns(), size=1)  # fmt: skip
        number += 1


def _killed(base: Path, kills: int) -> str:
    port, chance = free_port(), random.Random(1)
    taken: list[str] = []
    with hosted({"/items": document(counted(30))}) as server, receiving() as receiver:
        hook = (
            f'[[webhooks]]\nname = "hook"\nurl = "{receiver.url}"\nsecret_env = "NEWSQUAKE_HOOK"\n'
        )
        system = System(base, inbox(port) + feeds(server, items="127.0.0.1") + hook)
        for life in range(kills):
            with system.run() as run:
                # some while it starts and recovers, most while it works
                if chance.random() < 0.2:
                    time.sleep(chance.uniform(0.1, 3.0))
                else:
                    run.up()
                    # on a slow machine the inbox answers later than any of the kills would come
                    run.until(lambda: posted(port, b"x")[0], 30, "the inbox does not answer")
                    _busy(run, port, life, time.monotonic() + chance.uniform(0.0, 4.0), taken)
        with system.run() as last:
            last.up()
            last.until(lambda: any("opens store 29" in x for x in system.titles()), 30, "a feed's item is lost")  # fmt: skip
            last.answers()
            last.ends()
        ids = Counter(got.headers["webhook-id"] for got in receiver.got)
    _judged(system, taken)
    bodies = {got.headers["webhook-id"]: json.loads(got.body)["type"] for got in receiver.got}
    twice = sum(count - 1 for count in ids.values())
    return f"{kills} kills, {len(taken)} posts acknowledged, {len(bodies)} states told by webhook ({twice} repeats, allowed by id)"  # fmt: skip


def _judged(system: System, taken: list[str]) -> None:
    titles, records = system.titles(), system.records()
    lost = [name for name in taken if f"Posted {name}" not in titles]
    hold(not lost, f"{len(lost)} of {len(taken)} acknowledged are lost: {lost[:3]}")
    reactions = Counter((x.headline_id, x.listing, x.horizon) for x in records if isinstance(x, Reaction))  # fmt: skip
    hold(not reactions or max(reactions.values()) == 1, "a reaction is written twice")
    states = Counter((x.alert_id, x.transition, x.updated_ns, x.level_pct) for x in system.alerts())
    hold(not states or max(states.values()) == 1, "a state of an alert is written twice")
    headlines = Counter((x.headline_id, x.revision) for x in records if isinstance(x, Headline) and x.source == "Posted")  # fmt: skip
    hold(taken or headlines, "nothing was acknowledged")


@attack("kills", HOLDS, limit_s=100)
def five(base: Path) -> str:
    """Five kills, a part of the sixty."""
    return _killed(base, 5)


@attack("kills", HOLDS, limit_s=900)
def sixty(base: Path) -> str:
    """Sixty kills."""
    return _killed(base, 60)
