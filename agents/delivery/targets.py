"""From newsquake.toml to the targets of delivery."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import aiohttp

from agents.config.delivery import AlertmanagerSpec, WebhookSpec
from agents.config.newsquake import NewsquakeFile
from agents.config.secrets import secret_of
from agents.delivery.alertmanager import AlertmanagerSink
from agents.delivery.endpoint import Endpoint
from agents.delivery.target import Target
from agents.delivery.webhook import WebhookSink, secrets_of
from streams.errors import ConfigError

API: Final = "/api/v2/alerts"


def targets_of(
    settings: NewsquakeFile, config: Path | None, *, replay: bool = False
) -> list[Target]:
    """Return who is told over the network; `replay`: the alerts are of another day, and say so.

    ConfigError: a secret that is named is not in the environment, a ca_file holds no certificate.
    """
    links = settings.links
    targets: list[Target] = [
        AlertmanagerSink(_alertmanager(spec, config), links, replay=replay)
        for spec in settings.alertmanagers
    ]
    for spec in settings.webhooks:
        endpoint = Endpoint(spec.label, spec.url, tls=_tls(spec, config))
        targets.append(WebhookSink(endpoint, spec, _secrets(spec, config), links, replay=replay))
    return targets


def _alertmanager(spec: AlertmanagerSpec, config: Path | None) -> Endpoint:
    authorization = None
    if spec.username is not None:
        password = secret_of("alertmanagers.password_env", spec.password_env or "", config)
        authorization = aiohttp.encode_basic_auth(spec.username, password)
    url = spec.url.rstrip("/") + API
    return Endpoint(spec.label, url, tls=_tls(spec, config), authorization=authorization)


def _secrets(spec: WebhookSpec, config: Path | None) -> list[bytes]:
    text = secret_of("webhooks.secret_env", spec.secret_env, config)
    try:
        return secrets_of(text)
    except ValueError as fault:
        message = f'webhooks.secret_env = "{spec.secret_env}": {fault}'
        raise ConfigError(str(config), message) from None  # the fault may quote the secret


def _tls(spec: AlertmanagerSpec | WebhookSpec, config: Path | None) -> ssl.SSLContext | None:
    if spec.ca_file is None:
        return None
    path = (config.parent if config else Path()) / spec.ca_file
    try:
        return ssl.create_default_context(cafile=str(path))
    except OSError as fault:  # ssl.SSLError is one
        message = f'{spec.label}: ca_file = "{spec.ca_file}" holds no certificates: {fault}'
        raise ConfigError(str(config), message) from fault
