"""What the doctor asks a broker: can it be reached and logged in to, and is what it holds right?"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Final

import aiokafka.errors
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest
from kafka.errors import AuthorizationError, KafkaError

from agents.broker.connection import Connection
from agents.doctor.check import Check, Started, State, within
from agents.doctor.clock import clock
from agents.doctor.listener import Listener, heard, host_and_port
from agents.doctor.topics import topics
from agents.doctor.workers import workers
from streams.errors import NewsquakeError, UsageError

HEAR_S: Final = 2.0  # for each of two questions
LOGIN_S: Final = 4.0  # SCRAM's 4096 rounds and the broker's delay after a refusal take 0.2 s
FAREWELL_S: Final = 0.3
LOOK_S: Final = 5.0  # for each area; the first that takes longer ends the asking
_ALIVE: Final = "look at the broker's log; is it overloaded, or just starting?"
AREAS: Final = ("topics", "clock", "workers")

Look = Callable[[Connection], list[Check]]


def checks(broker: Connection, now_ns: Callable[[], int]) -> Iterator[Check]:
    """Look at the broker, then at what it holds as far as it answers; within 15 s."""
    looks: dict[str, Look] = {
        "topics": topics,
        "clock": partial(clock, now_ns=now_ns),
        "workers": workers,
    }
    usable = yield from reached(broker)
    reason = "" if usable else "the broker cannot be used"
    for area, look in looks.items():
        if reason:
            yield Check(area, area, "skipped", reason)
            continue
        try:
            yield from within(LOOK_S, partial(look, broker))
        except TimeoutError:
            reason = "the broker has stopped answering"
            yield Check(area, area, "wrong", f"no answer within {LOOK_S:.0f} s", _ALIVE)
        except AuthorizationError as fault:
            mend = f"allow it to the user {broker.file.username} (kafka-acls.sh)"
            yield Check(area, area, "wrong", f"not allowed: {_said(fault)}", mend)
        except (KafkaError, NewsquakeError) as fault:
            yield Check(area, area, "wrong", _said(fault), _ALIVE)


# -- the connection


def reached(broker: Connection) -> Generator[Check, None, bool]:
    """Connect to every server named and log in to the first that fits; return whether one does."""
    asked = {server: Started(partial(heard, server, HEAR_S)) for server in broker.servers}
    found = [_fault(answer, broker) for answer in asked.values()]
    good = [server for server, fault in zip(asked, found, strict=True) if fault is None]
    for server, fault in zip(asked, found, strict=True):
        if fault is None:
            detail = f"a Kafka broker that speaks {broker.file.security}"
            yield Check("broker", server, "ok", detail)
        else:
            state: State = "warning" if good else "wrong"
            yield Check("broker", server, state, *fault)
    if not good:
        return False
    login = _login(good[0], broker)
    yield login if isinstance(login, Check) else _logged_in(broker)
    if isinstance(login, Check):
        return False
    advertised = list(_advertised(login))
    yield from advertised
    return all(each.state == "ok" for each in advertised)


def _fault(answer: Started[Listener | None], broker: Connection) -> tuple[str, str] | None:
    """Return what is wrong with a server and how to mend it; None: nothing."""
    begin = "start the broker (`newsquake dev up` starts one here), or correct the address"
    try:
        listener = answer.result(2 * HEAR_S + 0.5)
    except socket.gaierror as fault:
        return f"no such host: {fault.strerror}", "correct the address"
    except ConnectionRefusedError:
        return "nobody listens there", begin
    except TimeoutError as fault:
        detail = str(fault) if "says nothing" in str(fault) else "no answer"
        return (
            f"{detail} within {HEAR_S:.0f} s",
            f"is it frozen, or behind a firewall? Else {begin}",
        )
    except OSError as fault:
        return f"cannot be reached: {fault}", begin
    if listener is None:
        return "what answers there is no Kafka broker", "correct the address"
    return _misfit(listener, broker)


def _misfit(listener: Listener, broker: Connection) -> tuple[str, str] | None:
    """Return where listener and configuration differ, and what to write into the latter."""
    wanted, mechanisms = broker.file, ", ".join(listener.mechanisms)
    if listener.security != wanted.security:
        more = ["mechanism", "username", "password_env"] if mechanisms else []
        more += ["ca_file (unless the system knows the authority)"] if listener.tls else []
        mend = f'security = "{listener.security}" in [kafka] of newsquake.toml'
        named = f" ({mechanisms})" if mechanisms else ""
        return (
            f"it speaks {listener.security}{named}, we are told {wanted.security}",
            f"{mend}, with {', '.join(more)}" if more else f"{mend}, or another port",
        )
    if mechanisms and wanted.mechanism not in listener.mechanisms:
        mend = f'mechanism = "{listener.mechanisms[0]}" in [kafka] of newsquake.toml'
        return f"its login is by {mechanisms}, not {wanted.mechanism}", mend
    return None


def _logged_in(broker: Connection) -> Check:
    encrypted = "certificate trusted" if broker.secured else "not encrypted"
    user = f"as {broker.file.username}" if broker.file.username else "no login needed"
    return Check("broker", "login", "ok", f"{user}, {encrypted}")


def _login(server: str, broker: Connection) -> list[str] | Check:
    """Return the addresses that the broker gives to clients, or what keeps us out."""
    wrong = partial(Check, "broker", "login", "wrong")
    try:
        return within(LOGIN_S + 1, lambda: asyncio.run(_conversation(server, broker)))
    except UsageError as fault:  # no password, no such ca_file
        return wrong(str(fault), "set that variable, or correct the key")
    except ssl.SSLCertVerificationError as fault:
        mend = "ca_file in [kafka] must name the authority that signed the broker's certificate"
        return wrong(f"its certificate is not trusted: {fault.verify_message}", mend)
    except aiokafka.errors.SaslAuthenticationFailed as fault:
        said = fault.args[0] if fault.args and fault.args[0] else "no reason given"
        return wrong(
            f"user {broker.file.username} or its password is refused ({said})",
            f"put the right password into {broker.file.password_env}, or correct username",
        )
    except TimeoutError:
        return wrong(f"no answer within {LOGIN_S:.0f} s", _ALIVE)
    except (aiokafka.errors.KafkaError, OSError, ValueError) as fault:
        return wrong(_said(fault), _ALIVE)


async def _conversation(server: str, broker: Connection) -> list[str]:
    """Log in by aiokafka, which tells a refusal; kafka-python's clients only ever time out."""
    options = broker.client_options()
    del options["bootstrap_servers"]
    limit_ms = round(LOGIN_S * 1000)
    talk = AIOKafkaConnection(*host_and_port(server), request_timeout_ms=limit_ms, **options)
    async with asyncio.timeout(LOGIN_S):
        try:
            await talk.connect()
            answer = await talk.send(MetadataRequest([]))
        finally:  # of one that was never open it does not come
            await asyncio.wait([talk.close()], timeout=FAREWELL_S)
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for _, host, port, *_ in answer.brokers]  # fmt: skip


def _advertised(servers: Sequence[str]) -> Iterator[Check]:
    """Connect to where the broker sends its clients; often not where it was found."""
    asked = {server: Started(partial(_touch, server)) for server in servers}
    faults = []
    for server, touched in asked.items():
        try:
            touched.result(HEAR_S + 0.5)
        except OSError as fault:  # TimeoutError is one
            faults.append(f"{server} ({_said(fault)})")
    if faults:
        detail = f"it sends its clients to {', '.join(faults)}, which cannot be reached from here"
        mend = "set the broker's advertised.listeners to an address that this machine reaches"
        yield Check("broker", "advertised", "wrong", detail, mend)
    else:
        yield Check("broker", "advertised", "ok", f"clients are sent to {', '.join(servers)}")


def _touch(server: str) -> None:
    socket.create_connection(host_and_port(server), timeout=HEAR_S).close()


def _said(fault: Exception) -> str:
    return (
        f"{type(fault).__name__}: {fault}" if not isinstance(fault, NewsquakeError) else str(fault)
    )
