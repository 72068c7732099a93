"""How to reach a broker: one description, as kafka-python takes it and as Faust takes it."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.config.newsquake import KafkaFile
from streams.errors import ConfigError, NewsquakeError, UsageError

SCHEME: Final = "kafka://"
FIND_BROKER_MS: Final = 6000  # to find a broker; a start-up takes 4 s
ANSWER_MS: Final = 4000  # for one request; two in a row stay under 15 s with the above
_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


Admin = KafkaAdminClient  # for signatures of rooms that do not speak Kafka


class BrokerError(NewsquakeError):
    """A broker does not answer, or refuses what was asked of it."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A broker, the login it wants, and the prefix of one run's topics on it."""

    servers: tuple[str, ...]  # host:port
    prefix: str = ""
    file: KafkaFile = KafkaFile()
    config: Path | None = None  # the newsquake.toml that says so

    @property
    def address(self) -> str:
        """Return the servers as a person writes them."""
        return ",".join(self.servers)

    @property
    def slug(self) -> str:
        """Return a folder's name for the servers and the prefix."""
        return re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.address} {self.prefix}").strip("-.")

    @property
    def secured(self) -> bool:
        """Tell whether the connection is encrypted."""
        return self.file.security.endswith("ssl")

    def client_options(self) -> dict[str, Any]:
        """Return what every kafka-python client takes; ConfigError: the password is not there."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.file.security.upper(),
        }
        if self.secured:
            options["ssl_context"] = self._ssl_context()
        if self.file.security.startswith("sasl"):
            options |= {
                "sasl_mechanism": self.file.mechanism,
                "sasl_plain_username": self.file.username,
                "sasl_plain_password": self.password(),
            }
        return options

    def faust_options(self) -> dict[str, Any]:
        """Return the same for `faust.App`."""
        from faust import SASLCredentials, SSLCredentials  # noqa: PLC0415 - 40 ms, workers only

        options: dict[str, Any] = {"broker": [f"{SCHEME}{server}" for server in self.servers]}
        context = self._ssl_context() if self.secured else None
        if self.file.security.startswith("sasl"):
            options["broker_credentials"] = SASLCredentials(
                username=self.file.username,
                password=self.password(),
                mechanism=self.file.mechanism,
                ssl_context=context,
            )
        elif context is not None:
            options["broker_credentials"] = SSLCredentials(context)
        return options

    def words(self) -> list[str]:
        """Return what tells another `newsquake` process how to log in."""
        return ["--config", str(self.config)] if self.config else []

    def password(self) -> str:
        """Return the password from the environment; ConfigError: the variable is not set."""
        name = self.file.password_env or ""
        if not os.environ.get(name):
            raise ConfigError(
                "newsquake.toml", f'kafka.password_env = "{name}": that variable is not set'
            )
        return os.environ[name]

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.file.ca_file)
        except OSError as fault:
            raise ConfigError(
                "newsquake.toml", f'kafka.ca_file = "{self.file.ca_file}": {fault}'
            ) from fault


def connection_of(
    broker: str | None, prefix: str | None, file: KafkaFile, config: Path | None = None
) -> Connection:
    """Return the connection that the command line names, else the configuration.

    UsageError: neither does, or the address is none.
    """
    text = file.broker if broker is None else broker
    if text is None:
        raise UsageError(
            "no broker is named: give --broker HOST:PORT, or broker in [kafka] of newsquake.toml"
        )
    named = file.prefix if prefix is None else prefix
    return Connection(servers=tuple(broker_addresses(text)), prefix=named, file=file, config=config)


def broker_addresses(text: str) -> list[str]:
    """Return host:port of each broker named, separated by commas; UsageError: not an address."""
    servers = [each.strip() for each in text.removeprefix(SCHEME).split(",")]
    for server in servers:
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[1]) < 65536:
            raise UsageError(f"--broker {text}: {server!r} is not host:port, as in 127.0.0.1:9092")
    return servers


@contextmanager
def broker_errors(broker: Connection) -> Iterator[None]:
    """Raise what a client of the broker raises meanwhile as a BrokerError that names the broker."""
    try:
        yield
    except KafkaError as fault:
        raise BrokerError(f"{broker.address}: {type(fault).__name__}: {fault}") from fault


def admin_client(broker: Connection) -> KafkaAdminClient:
    """Connect as an administrator; NewsquakeError within 15 s where nothing answers."""
    try:
        return KafkaAdminClient(
            bootstrap_timeout_ms=FIND_BROKER_MS,
            request_timeout_ms=ANSWER_MS,
            reconnect_backoff_max_ms=500,
            **broker.client_options(),
        )
    except KafkaError as fault:
        how = (
            "the right security and password"
            if broker.file.security != "plaintext"
            else "plain text"
        )
        raise NewsquakeError(
            f"no Kafka broker answers at {broker.address} ({fault}). Is it running (`newsquake dev "
            f"up` starts one), is the address right, and does that listener speak {how}? "
            "`newsquake doctor` looks closer"
        ) from fault
