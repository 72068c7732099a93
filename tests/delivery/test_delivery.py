"""Webhooks that misbehave, processes that die: each state of an alert arrives, in order, once told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import encode_basic_auth
from hypothesis import given
from hypothesis import strategies as st

from agents.config.delivery import LinksFile
from agents.delivery import webhook as webhook_sink
from agents.delivery.alertmanager import AlertmanagerSink
from agents.delivery.earlier import alert_json
from agents.delivery.endpoint import Endpoint, RetryPolicy
from agents.delivery.handover import delivery_id
from agents.delivery.outbox import Outbox
from streams.errors import JournalError, StateError
from streams.events import DAY_NS, SECOND_NS
from tests.delivery.delivering import (
    HOSTILE,
    QUICK,
    SECRET,
    Told,
    alert,
    dispatcher,
    hook,
    titled,
    until,
)
from tests.delivery.receiver import Got, receiving
from tests.http.misbehaving import self_signed


def verified(got: Got, secret: bytes = SECRET) -> bool:
    """Verify a request as docs/delivery.md says, without our code."""
    id_, stamp = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    mac = hmac.new(secret, f"{id_}.{stamp}.".encode() + got.body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(mac).decode()
    given_ = got.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(each, wanted) for each in given_)


def test_each_state_arrives_once_in_order_signed_with_its_evidence(tmp_path: Path) -> None:
    states = [alert(transition=name) for name in ("opened", "escalated", "updated", "resolved")]
    told = Told()
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver), told=told) as sent:
        outbox = sent.outbox_of()
        for each in states:
            outbox.deliver(each)
            outbox.deliver(each)  # a repeat after a crash
        until(lambda: len(receiver.got) == 4)
        until(lambda: not sent.backlog())
    assert [got.json["type"] for got in receiver.got] == [
        "alert.opened", "alert.escalated", "alert.updated", "alert.resolved",
    ]  # fmt: skip
    assert all(map(verified, receiver.got))
    assert not any(verified(got, b"another") for got in receiver.got)
    first = receiver.got[0]
    assert first.headers["webhook-id"] == delivery_id(alert_json(states[0])) == first.json["id"]
    assert first.headers["content-type"] == "application/json"
    assert abs(int(first.headers["webhook-timestamp"]) - time.time()) < 60
    assert first.json["alert"]["attribution"]["candidates"][0]["factors"] == {"time": 0.9}
    assert first.json["annotations"]["headline"] == "Alibaba to lift AI spending"
    assert told.count("told") == 4
    assert told.lines == []


def test_a_secret_that_is_replaced_signs_twice(tmp_path: Path) -> None:
    secrets = tuple(webhook_sink.secrets_of("whsec_bmV3 old"))
    assert secrets == (b"new", b"old")
    with (
        receiving() as receiver,
        dispatcher(tmp_path / "q", hook(receiver, secrets=secrets)) as sent,
    ):
        sent.outbox_of().deliver(alert())
        until(lambda: receiver.got)
    assert [verified(receiver.got[0], each) for each in (b"new", b"old", SECRET)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("fault", [500, 503, 429, 404, 401, 302, None])
def test_what_fails_is_tried_again_with_the_same_id_and_body(
    tmp_path: Path, fault: int | None
) -> None:
    told = Told()
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver), told=told) as sent:
        receiver.headers = {"Location": "/elsewhere"}
        receiver.answer = lambda _: fault if len(receiver.got) < 4 else 200
        outbox = sent.outbox_of()
        outbox.deliver(alert())
        outbox.deliver(alert(transition="resolved"))
        until(lambda: not sent.backlog())
    assert len(receiver.got) == 5
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.got[:4]}) == 1
    assert [got.path for got in receiver.got] == ["/hook"] * 5  # no redirect is followed
    assert receiver.got[4].json["type"] == "alert.resolved"
    assert (told.count("failed"), told.count("told"), told.count("dead")) == (3, 2, 0)
    assert [line.split(" ")[0:3] for line in told.lines] == [
        ["hook", "takes", "no"], ["hook", "takes", "alerts"],
    ]  # fmt: skip
    waits = [b.at_s - a.at_s for a, b in zip(receiver.got[:3], receiver.got[1:4], strict=True)]
    assert waits[0] >= QUICK.shortest_s / 2


def test_a_target_asks_for_a_pause(tmp_path: Path) -> None:
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver)) as sent:
        receiver.headers = {"Retry-After": "1"}
        receiver.answer = lambda _: 429 if len(receiver.got) < 2 else 200
        sent.outbox_of().deliver(alert())
        until(lambda: not sent.backlog())
    first, second = receiver.got
    assert second.at_s - first.at_s >= 1.0


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_what_is_refused_for_good_is_a_dead_letter_and_holds_nothing_up(
    tmp_path: Path, status: int
) -> None:
    told = Told()
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver), told=told) as sent:
        receiver.answer = lambda got: status if got.json["type"] == "alert.opened" else 200
        outbox = sent.outbox_of()
        outbox.deliver(alert())
        outbox.deliver(alert(transition="resolved"))
        until(lambda: not sent.backlog())
        (letter,) = sent.dead_letters()
        assert (letter.reject.stage, letter.reject.reason) == ("deliver", "refused")
        assert f"hook: alert-0 opened: HTTP {status}" in letter.reject.detail
        assert json.loads(letter.reject.record)["alert_id"] == "alert-0"
        assert letter.reject.ts_ns == alert().updated_ns
        sent.forget(letter)
        assert sent.dead_letters() == []
    assert len(receiver.got) == 2
    assert (told.count("told"), told.count("dead")) == (1, 1)


def test_what_is_not_taken_for_a_day_is_a_dead_letter(tmp_path: Path) -> None:
    told, retry_policy = Told(), RetryPolicy(0.01, 0.05, 0.3)
    with receiving() as receiver:
        url = receiver.url
    with dispatcher(tmp_path / "q", hook(url, retry_policy), told=told) as sent:
        outbox = sent.outbox_of()
        for number in range(3):
            outbox.deliver(alert(number))
        until(lambda: len(sent.dead_letters()) == 3)
        assert {each.reject.reason for each in sent.dead_letters()} == {"undelivered"}
    with dispatcher(tmp_path / "q", hook(url, retry_policy)) as again:
        assert len(again.dead_letters()) == 3  # until somebody has taken them
    assert told.count("dead") == 3


def test_a_receiver_that_is_away_gets_no_storm(tmp_path: Path) -> None:
    """Fifty alerts wait; the pauses are those of one."""
    retry_policy = RetryPolicy(0.1, 10.0, 3600.0)
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver, retry_policy)) as sent:
        receiver.answer = lambda _: 500
        began_s = time.monotonic()
        outbox = sent.outbox_of()
        for number in range(50):
            outbox.deliver(alert(number))
        until(lambda: time.monotonic() - began_s > 1.5)
        # four at once at first, then after 0.05, 0.1, 0.2, ... at the shortest
        assert 4 <= len(receiver.got) <= 4 + 5
        receiver.answer = lambda _: 200


def test_one_alert_that_a_receiver_chokes_on_holds_up_no_other(tmp_path: Path) -> None:
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver)) as sent:
        receiver.answer = lambda got: 500 if got.json["alert"]["alert_id"] == "alert-0" else 200
        outbox = sent.outbox_of()
        for number in range(20):
            outbox.deliver(alert(number))
        until(lambda: sent.backlog() == 1)
        taken = [got.json["alert"]["alert_id"] for got in receiver.taken()]
    assert sorted(taken) == sorted(f"alert-{number}" for number in range(1, 20))


def test_a_slow_receiver_holds_up_neither_us_nor_another(tmp_path: Path) -> None:
    with receiving() as slow, receiving() as quick:
        slow.answer = lambda _: 200 * slow.ending.wait(30)
        targets = hook(slow, name="slow", answer_s=0.3), hook(quick)
        told = Told()
        with dispatcher(tmp_path / "q", *targets, told=told) as sent:
            began_s = time.monotonic()
            sent.outbox_of().deliver(alert())
            assert time.monotonic() - began_s < 1.0
            until(lambda: quick.got)
            until(lambda: told.count("failed", "slow") >= 1)
            until(lambda: told.lines)  # said a commit to the queue later
            assert "slow takes no alerts: timeout" in told.lines[0]
        slow.ending.set()


def test_a_certificate_that_nobody_signed_is_no_receiver(tmp_path: Path) -> None:
    told = Told()
    with (
        receiving(self_signed(tmp_path)) as receiver,
        dispatcher(tmp_path / "q", hook(receiver), told=told) as sent,
    ):
        sent.outbox_of().deliver(alert())
        until(lambda: told.count("failed") >= 2)
        assert receiver.got == []
        assert "hook takes no alerts: tls" in told.lines[0]


def test_what_waits_outlives_the_process(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 500
        with dispatcher(tmp_path / "q", hook(receiver)) as sent:
            outbox = sent.outbox_of()
            for name in ("opened", "resolved"):
                outbox.deliver(alert(transition=name))
            until(lambda: receiver.got)
            with pytest.raises(JournalError, match="has it open"):
                Outbox(tmp_path / "q")
        receiver.answer = lambda _: 200
        receiver.got.clear()
        with dispatcher(tmp_path / "q", hook(receiver)) as sent:
            sent.outbox_of().acquire()
            until(lambda: not sent.backlog())
    assert [got.json["type"] for got in receiver.got] == ["alert.opened", "alert.resolved"]


@given(cuts=st.lists(st.integers(0, 12), max_size=4), fails=st.sets(st.integers(0, 12), max_size=5))
def test_wherever_it_is_cut_off_each_state_arrives_in_order(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], fails: set[int]
) -> None:
    """Processes end after so many requests; the journal then says the last states again."""
    path = tmp_path_factory.mktemp("cut") / "q"
    states = [alert(n, name) for name in ("opened", "updated", "resolved") for n in range(2)]
    retry_policy = RetryPolicy(0.001, 0.005, 3600.0)
    with receiving() as receiver:
        receiver.answer = lambda got: 500 if receiver.got.index(got) in fails else 200
        for cut in [*cuts, 10**6]:
            with dispatcher(path, hook(receiver, retry_policy)) as sent:
                outbox = sent.outbox_of()
                for each in states:
                    outbox.deliver(each)
                until(lambda cut=cut, sent=sent: len(receiver.got) >= cut or not sent.backlog())
        taken = [
            (got.json["alert"]["alert_id"], got.json["type"].removeprefix("alert."))
            for number, got in enumerate(receiver.got)
            if number not in fails
        ]
    for number in range(2):
        mine = [name for id_, name in taken if id_ == f"alert-{number}"]
        assert list(dict.fromkeys(mine)) == ["opened", "updated", "resolved"]
        assert mine == sorted(mine, key=["opened", "updated", "resolved"].index)
    assert max(Counter(taken).values()) <= 1 + len(cuts)  # a repeat only where it was cut off


def test_filters(tmp_path: Path) -> None:
    with receiving() as receiver:
        sink = hook(
            receiver, transitions=("opened",), severities=("critical",), rules=("day_move",)
        )
        with dispatcher(tmp_path / "q", sink) as sent:
            outbox = sent.outbox_of()
            outbox.deliver(alert(1))
            outbox.deliver(alert(2, severity="critical", rule="fast"))
            outbox.deliver(alert(3, "resolved", severity="critical"))
            outbox.deliver(alert(4, severity="critical"))
            until(lambda: not sent.backlog())
    assert [got.json["alert"]["alert_id"] for got in receiver.got] == ["alert-4"]


def test_what_a_feed_wrote_is_inert(tmp_path: Path) -> None:
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver)) as sent:
        sent.outbox_of().deliver(titled(HOSTILE, url="javascript:alert(1)"))
        until(lambda: receiver.got)
    body = receiver.got[0].body
    assert not set(b"<>&") & set(body)
    assert b"javascript" not in body
    assert "headline_url" not in receiver.got[0].json["annotations"]
    headline = receiver.got[0].json["annotations"]["headline"]
    assert "\u202e" not in headline
    assert headline.startswith('{{ template "slack.default.title" . }} \u2039@U024BE7LH\u203a')


def test_a_queue_of_another_layout_and_none_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(b"this is no database, and long enough to be seen as none" * 30)
    with pytest.raises(StateError, match="not a database"):
        Outbox(tmp_path / "q")


def test_only_partitions_that_are_ours_are_handed_out(tmp_path: Path) -> None:
    queue = Outbox(tmp_path / "q")
    for partition in range(2):
        queue.put(alert(partition), {"t": False}, partition, 0)
    term = queue.lease.term
    queue.lease.acquire(1, term)
    assert [item.alert.alert_id for item in queue.due("t", SECOND_NS, 9)] == ["alert-1"]
    queue.lease.release()
    queue.lease.acquire(0, term)  # a stage of before the rebalance that comes late
    assert queue.due("t", SECOND_NS, 9) == []
    assert queue.next_due_ns("t") is None
    queue.close()


def test_who_takes_a_partition_over_goes_on_with_what_the_checkpoint_says(tmp_path: Path) -> None:
    ours, theirs = Outbox(tmp_path / "ours"), Outbox(tmp_path / "theirs")
    for name in ("opened", "resolved"):
        ours.put(alert(transition=name), {"hook": False}, 3, 0)
    ours.put(alert(5), {"hook": False}, 3, 0)
    waiting = ours.pending(3)
    theirs.put(alert(7), {"hook": False}, 3, 0)  # of an earlier time: others had it since
    theirs.put(alert(5), {"hook": False}, 3, 0)
    theirs.lease.acquire(3, theirs.lease.term)
    (done,) = [each for each in theirs.due("hook", 0, 9) if each.alert.alert_id == "alert-5"]
    theirs.finish(done)
    theirs.restore(3, waiting, 1)
    assert theirs.pending(3) == waiting[:2]
    assert [(i.alert.alert_id, i.alert.state) for i in theirs.due("hook", 1, 9)] == [
        ("alert-0", "open")
    ]
    theirs.restore(3, waiting, DAY_NS)  # a checkpoint of yesterday: they were told since
    assert theirs.pending(3) == []
    ours.close()
    theirs.close()


def test_threads_may_tell_at_once(tmp_path: Path) -> None:
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver)) as sent:
        threads = [
            threading.Thread(target=sent.outbox_of(part).deliver, args=(alert(part),))
            for part in range(8)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        until(lambda: not sent.backlog())
    assert len({got.json["alert"]["alert_id"] for got in receiver.got}) == len(receiver.got) == 8


def test_who_asks_for_a_password_gets_it(tmp_path: Path) -> None:
    with receiving() as receiver:
        endpoint = Endpoint(
            "am", receiver.url, authorization=encode_basic_auth("newsquake", "p\u00e4ss")
        )
        with dispatcher(tmp_path / "q", AlertmanagerSink(endpoint, LinksFile())) as sent:
            sent.outbox_of().deliver(alert())
            until(lambda: receiver.got)
    word = receiver.got[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(word).decode() == "newsquake:p\u00e4ss"


def test_what_another_version_wrote_is_a_dead_letter_and_holds_nothing_up(tmp_path: Path) -> None:
    queue = Outbox(tmp_path / "q")
    queue.put(alert(), {"hook": False}, 0, time.time_ns())
    queue._base._base.execute("UPDATE item SET body = ?", (b'{"alert_id":"alert-0"}',))
    queue.close()
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver)) as sent:
        outbox = sent.outbox_of()
        outbox.deliver(alert(transition="resolved"))
        until(lambda: not sent.backlog())
        assert [each.reject.reason for each in sent.dead_letters()] == ["undecodable"]
    assert [got.json["type"] for got in receiver.got] == ["alert.resolved"]


def test_what_failed_is_due_when_its_target_is_back_and_what_was_told_is_not(
    tmp_path: Path,
) -> None:
    queue = Outbox(tmp_path / "q")
    for number in range(2):
        queue.put(alert(number), {"t": False}, 0, 1)
    queue.lease.acquire(0, queue.lease.term)
    failed, told = queue.due("t", 1, 9)
    queue.postpone(failed, 100, delivered=False)
    queue.postpone(told, 50, delivered=True)
    assert (queue.due("t", 2, 9), queue.next_due_ns("t"), queue.backlog("t")) == ([], 50, 1)
    queue.retry_now("t", 2)
    assert [(item.alert.alert_id, item.tries) for item in queue.due("t", 2, 9)] == [("alert-0", 1)]
    queue.close()


def test_a_receiver_that_comes_back_gets_all_that_waited(tmp_path: Path) -> None:
    told = Told()
    with receiving() as receiver, dispatcher(tmp_path / "q", hook(receiver), told=told) as sent:
        receiver.answer = lambda _: 500 if len(receiver.got) <= 8 else 200
        outbox = sent.outbox_of()
        for number in range(30):
            outbox.deliver(alert(number))
        until(lambda: not sent.backlog())
    assert len(receiver.got) == 38
    assert told.lines[-1] == f"hook takes alerts again after {told.lines[-1].split()[-2]} failures"


def test_a_disk_that_takes_nothing_is_said_to_whoever_tells(tmp_path: Path) -> None:
    with dispatcher(tmp_path / "q", hook("http://127.0.0.1:9/")) as sent:
        outbox = sent.outbox_of()
        sent._outbox._base._base.execute("PRAGMA query_only = ON")
        with pytest.raises(OSError, match="readonly"):
            outbox.deliver(alert())
