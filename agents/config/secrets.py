"""Secrets: read from the environment variables that a configuration names, never from a file."""

from __future__ import annotations

import os
from pathlib import Path

from agents.config.newsquake import WebFile
from streams.errors import ConfigError, UsageError
from streams.http.guard import is_own_name


def secret_of(key: str, name: str, config: Path | None) -> str:
    """Return what the environment variable `name` holds, without blanks around it.

    `key` is that of newsquake.toml which names it. ConfigError: it is not set, or blank.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        message = f'{key} = "{name}": no such environment variable is set; export it first'
        raise ConfigError(str(config), message)
    return text


def token_of(web: WebFile) -> str | None:
    """Return the token that the environment holds, None where none is wanted.

    ConfigError: it is not there. UsageError: one is needed, for others than this machine may ask.
    """
    if web.token_env is None:
        if not is_own_name(web.host):
            raise UsageError(
                f"web: {web.host} is reached from other machines; give --token-env NAME, the "
                "environment variable that holds the token they must show"
            )
        return None
    token = os.environ.get(web.token_env, "")
    if not token:
        raise ConfigError(
            "newsquake.toml", f'web.token_env = "{web.token_env}": that variable is not set'
        )
    return token
