"""What a Kafka listener speaks: plain text or TLS, with a login or without.

Asked by one request, for no client library tells a listener of another kind from a dead broker.
"""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Final

import msgspec

# SaslHandshake v1 is answered before any login, by every listener: one without a login says
# ILLEGAL_SASL_STATE, one with a login names its mechanisms (KIP-43; protocol guide, api key 17).
_HANDSHAKE: Final = (17, 1)
_NO_LOGIN_HERE: Final = 34
_REQUEST_ID: Final = 20250924
_LONGEST_ANSWER: Final = 10_000  # bytes; it holds a handful of names
_INT32: Final = struct.Struct(">i")
_INT16: Final = struct.Struct(">h")


class Listener(msgspec.Struct, frozen=True):
    """What one address speaks; `mechanisms` are those of its login, none where it has no login."""

    tls: bool
    mechanisms: tuple[str, ...] = ()

    @property
    def security(self) -> str:
        """Return it as `security` of [kafka] spells it."""
        kind = "ssl" if self.tls else "plaintext"
        return f"sasl_{kind}" if self.mechanisms else kind


def host_and_port(server: str) -> tuple[str, int]:
    """Split `host:port` or `[::1]:port`."""
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


def heard(server: str, limit_s: float) -> Listener | None:
    """Return what the listener at `server` speaks; None: not Kafka, in plain text or TLS.

    OSError: it cannot be reached; TimeoutError, after `2 * limit_s`: it takes connections and
    says nothing.
    """
    silences = 0
    for tls in (False, True):
        with socket.create_connection(host_and_port(server), timeout=limit_s) as plain:
            try:
                mechanisms = _mechanisms(plain, tls=tls)
            except TimeoutError:
                silences += 1
            except (OSError, ValueError, struct.error):  # closed, or another language
                continue
            else:
                return Listener(tls, mechanisms)
    if silences == 2:
        raise TimeoutError("it takes connections and says nothing")
    return None


def _mechanisms(plain: socket.socket, *, tls: bool) -> tuple[str, ...]:
    """Return the names in the answer; ValueError or struct.error: it is no answer to this."""
    if not tls:
        return _exchanged(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # only whether it speaks TLS; nothing secret is sent
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(plain) as secured:
        try:
            return _exchanged(secured)
        except ssl.SSLError:  # TLS 1.3 refuses a client without a certificate after the handshake
            return ()


def _exchanged(connection: socket.socket) -> tuple[str, ...]:
    body = struct.pack(">hhi", *_HANDSHAKE, _REQUEST_ID) + _text("newsquake-doctor") + _text("?")
    connection.sendall(_INT32.pack(len(body)) + body)
    with connection.makefile("rb") as answers:
        (size,) = _INT32.unpack(answers.read(_INT32.size))
        if not 0 < size < _LONGEST_ANSWER:
            raise ValueError("no Kafka")
        return _read_answer(answers.read(size))


def _read_answer(answer: bytes) -> tuple[str, ...]:
    request_id, error, count = struct.unpack_from(">ihi", answer)
    if request_id != _REQUEST_ID or not 0 <= count < _LONGEST_ANSWER:
        raise ValueError("no Kafka")
    if error == _NO_LOGIN_HERE:
        return ()
    names, position = [], 10
    for _ in range(count):
        (size,) = _INT16.unpack_from(answer, position)
        position += _INT16.size + size
        names.append(answer[position - size : position].decode())
    return tuple(names)


def _text(text: str) -> bytes:
    return _INT16.pack(len(text)) + text.encode()
