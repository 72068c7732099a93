"""Golden pairs: each transcript in tests/wires reads as the `.expected.json` beside it says.

`NAME.jsonl` is one frame a line, heard in one conversation; `NAME.page.json` is the body of an
answer to a back-fill.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.wires.alpaca import AlpacaNews
from streams.news.wires.benzinga import BenzingaNews
from streams.news.wires.finnhub import NEWS, RELEASES, FinnhubNews
from streams.news.wires.receiver import NewsWire
from streams.wires.contract import (
    Address,
    BackfillPage,
    Fault,
    Reason,
    Secret,
    Step,
    revealed,
    scrubbed,
)

WIRES = Path(__file__).resolve().parents[2] / "wires"
TRANSCRIPTS = sorted([*WIRES.glob("*/*.jsonl"), *WIRES.glob("*/*.page.json")])
# Kept out of the pairs: derived from the rest, the same everywhere, or tested by test_headline.
LEFT_OUT = {
    "headline_id", "revision", "feed", "source", "tier", "delay_s", "known_ns", "received_ns",
    "precision_s",
}  # fmt: skip
RECEIVED_NS = 1_758_715_260 * 10**9  # 2025-09-24 12:01:00 UTC

FEED = FeedInfo(name="f", source="s")
VENDORS: dict[str, NewsWire] = {
    "alpaca": AlpacaNews(
        feed=FEED,
        key=Secret("the-key", "ALPACA_KEY"),
        secret=Secret("the-secret", "ALPACA_SECRET"),
    ),
    "benzinga": BenzingaNews(feed=FEED, token=Secret("the-token", "BENZINGA_TOKEN")),
    "finnhub": FinnhubNews(
        feed=FEED,
        token=Secret("the-token", "FINNHUB_TOKEN"),
        symbols=("ACME", "BETA"),
        subscriptions=(NEWS, RELEASES),
    ),
}


def expected_of(path: Path) -> Path:
    return path.with_name(
        path.name.removesuffix(".jsonl").removesuffix(".page.json") + ".expected.json"
    )


def plain(parsed: ParsedFeed | None) -> dict[str, Any]:
    parsed = parsed or ParsedFeed()
    headlines = [
        {
            k: v
            for k, v in msgspec.to_builtins(h).items()
            if k not in LEFT_OUT and v not in ("", None, [], ())
        }
        for h in parsed.headlines
    ]
    return {"headlines": headlines, "rejects": [[r.reason, r.detail] for r in parsed.rejects]}


def as_step(step: Step[ParsedFeed]) -> dict[str, Any]:
    said = {
        "send": [revealed(text) for text in step.send],
        "ready": step.ready,
        "frame_id": step.frame_id,
        "fault": msgspec.to_builtins(step.fault) if step.fault else None,
        **plain(step.parsed),
    }
    return {key: value for key, value in said.items() if value}


def as_address(address: Address) -> list[Any]:
    return [address.url, *([n, revealed(v)] for n, v in (*address.query, *address.headers))]


def as_answer(answer: BackfillPage[ParsedFeed]) -> dict[str, Any]:
    said = {
        **plain(answer.parsed),
        "more": as_address(answer.more) if answer.more else None,
        "reached_ns": answer.reached_ns,
        "fault": msgspec.to_builtins(answer.fault) if answer.fault else None,
    }
    return {key: value for key, value in said.items() if value}


def as_read(path: Path) -> Any:
    """Return what a transcript reads as, in the form of the golden files."""
    wire = VENDORS[path.parent.name]
    if path.suffix == ".json":
        (ask, *_) = wire.asks(RECEIVED_NS - 3_600 * 10**9, RECEIVED_NS)
        answer = as_answer(wire.answer(ask, path.read_bytes(), RECEIVED_NS))
        return msgspec.json.decode(msgspec.json.encode({"ask": as_address(ask), "answer": answer}))
    talk = wire.talk()
    steps = [as_step(talk.opened(resumed=True))]
    steps += [as_step(talk.receive(f, RECEIVED_NS)) for f in path.read_bytes().splitlines()]
    return msgspec.json.decode(msgspec.json.encode(steps))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_transcript_reads_as_its_golden_file_says(path: Path) -> None:
    assert as_read(path) == msgspec.json.decode(expected_of(path).read_bytes())


def test_every_golden_file_has_its_transcript() -> None:
    expected = [expected_of(path) for path in TRANSCRIPTS]
    assert sorted(WIRES.glob("*/*.expected.json")) == sorted(expected)
    assert {path.parent.name for path in TRANSCRIPTS} == set(VENDORS)
    assert len(TRANSCRIPTS) >= 11


# -- what no transcript shows


def test_msgpack_frames_read_as_json_ones_do() -> None:
    text = (WIRES / "alpaca" / "day.jsonl").read_bytes().splitlines()
    packed = [msgspec.msgpack.encode(with_times(msgspec.json.decode(frame))) for frame in text]
    heard = [read_all(VENDORS["alpaca"], frames) for frames in (text, packed)]
    # msgpack's timestamps come as microseconds here: the nine digits of one of them are cut.
    cut = [[str(step).replace("30123456789", "30123456000") for step in steps] for steps in heard]
    assert cut[0] == cut[1]


def with_times(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {k: dt.datetime.fromisoformat(v) if k.endswith("_at") else v for k, v in message.items()}
        for message in messages
    ]


def read_all(wire: NewsWire, frames: list[bytes]) -> list[dict[str, Any]]:
    talk = wire.talk()
    return [as_step(talk.receive(frame, RECEIVED_NS)) for frame in frames]


KEYS = st.sampled_from(
    "T type msg code id data content action kind news headline title datetime created updated "
    "created_at symbols stocks related symbol url name exchange".split()
)
WORDS = st.sampled_from(
    "n news pr error success subscription connected authenticated created deleted ping * ACME "
    "2025-09-24T12:00:05Z".split()
)
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS,
    st.integers(min_value=400, max_value=411),
)  # fmt: skip
VALUES = st.recursive(
    ATOMS, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=6), max_leaves=20
)
LINES = [line for path in WIRES.glob("*/*.jsonl") for line in path.read_bytes().splitlines()]
FRAMES = st.one_of(
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from(LINES),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"\x91" * 100_000, b"[1e999]", b""]),
    st.sampled_from([b"[" + b"9" * 5_000 + b"]", b'{"id":"\\ud800","data":[]}']),
)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
@given(frames=st.lists(FRAMES, max_size=8))
def test_no_frame_in_any_state_raises(vendor: str, frames: list[bytes]) -> None:
    wire = VENDORS[vendor]
    talk = wire.talk()
    talk.opened(resumed=False)
    for frame in frames:
        step = talk.receive(frame, RECEIVED_NS)
        assert {r.reason for r in (step.parsed or ParsedFeed()).rejects} <= {
            "undecodable", "no_title", "past", "future", "no_time"
        }  # fmt: skip
        assert not (step.ready and step.fault)
    ask = Address(url="http://127.0.0.1/", query=(("page", "0"),))
    for frame in frames:
        wire.answer(ask, frame, RECEIVED_NS)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
@given(st.data())
def test_transcripts_in_any_order_tell_the_same_news(vendor: str, data: st.DataObject) -> None:
    lines = [line for p in (WIRES / vendor).glob("*.jsonl") for line in p.read_bytes().splitlines()]
    told = sorted(str(each) for step in read_all(VENDORS[vendor], lines) for each in news_of(step))
    again = read_all(VENDORS[vendor], data.draw(st.permutations(lines)))
    assert sorted(str(each) for step in again for each in news_of(step)) == told


def news_of(step: dict[str, Any]) -> list[Any]:
    return [*step.get("headlines", ()), *step.get("rejects", ())]


# -- secrets


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_no_repr_shows_a_secret(vendor: str) -> None:
    wire = VENDORS[vendor]
    talk = wire.talk()
    greeting = b'[{"T":"success","msg":"connected"}]'
    shown = [wire, wire.address(), wire.asks(0, 1), talk.opened(resumed=True)]
    text = f"{shown} {talk.receive(greeting, RECEIVED_NS)} {wire.refused(401)} {wire.secrets}"
    assert "the-" not in text
    assert "the-" not in str([list(each.__rich_repr__()) for each in (wire, wire.address())])


@pytest.mark.parametrize(
    "form", ["a+b/c d%", "a%2Bb%2Fc%20d%25", "a%2Bb/c%20d%25", "a%2Bb%2Fc+d%25"]
)
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    said = scrubbed(f"GET http://x/?token={form}&y=1", [Secret("a+b/c d%"), Secret("")])
    assert said == "GET http://x/?token=***&y=1"


@pytest.mark.parametrize(
    ("status", "reason", "retry"),
    [
        (401, "auth_failed", "slowly"),
        (403, "auth_failed", "slowly"),
        (404, "bad_request", "slowly"),
        (429, "rate_limited", "slowly"),
        (502, "server_error", "soon"),
        (200, "refused", "soon"),
    ],
)
def test_a_status_says_when_to_come_back(status: int, reason: str, retry: str) -> None:
    fault = VENDORS["finnhub"].refused(status)
    assert (fault.reason, fault.retry) == (reason, retry)
    assert ("FINNHUB_TOKEN" in fault.mend) == (reason == "auth_failed")


def test_a_second_benzinga_connection_is_soon_free() -> None:
    fault = VENDORS["benzinga"].refused(429)
    assert (fault.reason, fault.retry) == ("connection_limit", "soon")
    assert VENDORS["benzinga"].pace.soon_s == (2.0, 15.0)


def test_a_back_fill_goes_on_page_by_page() -> None:
    wire = VENDORS["benzinga"]
    (ask,) = wire.asks(0, 1)
    full = msgspec.json.encode([{"id": n, "title": "t"} for n in range(100)])
    second = wire.answer(ask, full, RECEIVED_NS).more
    assert second is not None
    assert ("page", "1") in second.query
    assert wire.answer(second, b"[]", RECEIVED_NS) == BackfillPage(
        parsed=ParsedFeed(dialect="benzinga_news")
    )
    for vendor, page in (("alpaca", b'{"news":7}'), ("benzinga", b"{}"), ("finnhub", b"<html>")):
        answer = VENDORS[vendor].answer(ask, page, RECEIVED_NS)
        assert isinstance(answer.fault, Fault)
        assert answer.fault.reason == "undecodable"


def test_every_reason_is_explained() -> None:
    page = (WIRES.parents[1] / "docs" / "news-sources.md").read_text("utf-8")
    table = page.split("### Faults and how they are answered")[1].split("###")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = [reason for row in rows for reason in re.findall(r"`(\w+)`", row)]
    told_elsewhere = {"gap_too_long"}
    assert sorted(explained) == sorted(set(get_args(Reason)) - told_elsewhere)
    assert all(f"`{reason}`" in page for reason in told_elsewhere)
