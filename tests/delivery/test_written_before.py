"""State that an earlier version of this program wrote: nothing that it holds is lost.

`written_before/` was made by commit 39cdcb2: `outbox.sqlite` by an embedded run, `worker.sqlite` and
`checkpoint.json` (cells of the Table, base64) by a deliver worker, which kept a file beside its
checkpoint then. Put into both, but after the checkpoint into the file alone: alert 2.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sqlite3
import time
from pathlib import Path

from agents.delivery.outbox import Outbox
from agents.workers.deliver import DeliverStage
from streams.messages import to_message
from tests.delivery.delivering import alert, dispatcher, hook, running, until
from tests.delivery.receiver import Receiver, receiving

BEFORE = Path(__file__).with_name("written_before")


def came(receiver: Receiver) -> list[tuple[str, str]]:
    told = [got.json["alert"] for got in receiver.got]
    return [(each["alert_id"], each["transition"]) for each in told]


def test_the_outbox_of_a_run_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    shutil.copy(BEFORE / "outbox.sqlite", path)
    with sqlite3.connect(path) as base:  # as if it had been written just now
        base.execute("UPDATE item SET put_ns = ?, due_ns = ?", (time.time_ns(), time.time_ns()))
    base.close()
    with receiving() as receiver, dispatcher(path, hook(receiver)) as sent:
        sent.outbox_of().acquire()
        until(lambda: not sent.backlog())
        assert came(receiver) == [("alert-0", "resolved")]  # opened was told, alert 1 given up
        (letter,) = sent.dead_letters()
        assert (letter.target, letter.reject.reason) == ("hook", "refused")
        sent.forget(letter)
        assert sent.dead_letters() == []


def test_what_an_earlier_worker_kept_in_its_file_is_in_its_checkpoint_or_comes_again() -> None:
    """Its record is acknowledged only after the checkpoint, so the file on disk is not needed."""
    with sqlite3.connect(f"file:{BEFORE / 'worker.sqlite'}?mode=ro&immutable=1", uri=True) as base:
        kept = base.execute("SELECT alert_id, id FROM item WHERE body IS NOT NULL").fetchall()
    base.close()
    assert len(kept) == 4
    state = json.loads((BEFORE / "checkpoint.json").read_text("ascii"))
    with receiving() as receiver, running(Outbox(), hook(receiver)) as sent:
        stage = DeliverStage([], sent.outbox_of())
        stage.restore({key: base64.b64decode(body) for key, body in state.items()})
        stage.process(*to_message(alert(2)))  # not acknowledged: the topic says it again
        asyncio.run(stage.flush())
        until(lambda: not sent.backlog())
        got = {(each.json["alert"]["alert_id"], each.json["id"]) for each in receiver.got}
    assert got == set(kept)
    assert came(receiver)[:1] == [("alert-0", "opened")]
