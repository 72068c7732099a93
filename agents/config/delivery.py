"""What newsquake.toml says of delivery: `[[alertmanagers]]`, `[[webhooks]]`, `[links]`."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from agents.config.addresses import NAME, url_fault
from streams.events import TRANSITIONS, Transition

RUNBOOK: Final = "https://github.com/newsquake/newsquake/blob/main/dashboards/RUNBOOK.md#{rule}"
DASHBOARD: Final = (
    "http://127.0.0.1:3000/d/newsquake-listing?var-listing={listing}&from={from}&to={to}"
)
SLOTS: Final = {"listing": "BABA.XNYS", "from": 0, "to": 0, "rule": "", "alert_id": ""}


class LinksFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[links]` table: the addresses that an alert's links lead to."""

    runbook: str = RUNBOOK
    dashboard: str = DASHBOARD  # from, to: ms since 1970, an hour before the alert to one after

    def __post_init__(self) -> None:
        for key in ("runbook", "dashboard"):
            address = getattr(self, key)
            try:
                filled = address.format_map(SLOTS)
            except (KeyError, ValueError, IndexError, AttributeError):
                slots = ", ".join(f"{{{slot}}}" for slot in SLOTS)
                raise ValueError(f"{key}: {address} may hold only the slots {slots}") from None
            if address and (fault := url_fault(filled, ("http", "https"))):
                raise ValueError(f"{key}: {fault}")


class _Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind of target has."""

    url: str
    name: str = ""
    ca_file: str | None = None  # who signed its certificate; None = the system's authorities

    def __post_init__(self) -> None:
        if fault := url_fault(self.url, ("http", "https")):
            raise ValueError(f"url: {fault}")
        if urlsplit(self.url).username is not None:
            raise ValueError("url: no user and password in it; name variables that hold secrets")
        if self.name and not NAME.fullmatch(self.name):
            raise ValueError(
                f'name: "{self.name}" must be letters, digits, "_", "." and "-", at most 60'
            )


class AlertmanagerSpec(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An `[[alertmanagers]]` table: one of a cluster, each of which gets every alert."""

    username: str | None = None
    password_env: str | None = None  # the variable that holds the password

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username: give it and password_env, or neither")

    @property
    def label(self) -> str:
        """Return the name that it goes by: its own, else host and port."""
        return self.name or urlsplit(self.url).netloc


class WebhookSpec(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `[[webhooks]]` table: an address that each state of an alert is posted to, once."""

    secret_env: str  # the variable that holds the secret; two, by a blank, while one is replaced
    transitions: tuple[Transition, ...] = TRANSITIONS
    severities: tuple[str, ...] = ()  # none named: all
    rules: tuple[str, ...] = ()  # none named: all

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name:
            raise ValueError("name: give it one, for messages and metrics")
        if not self.transitions:
            raise ValueError(f"transitions: name at least one of {', '.join(TRANSITIONS)}")

    @property
    def label(self) -> str:
        """Return the name that it goes by."""
        return self.name
