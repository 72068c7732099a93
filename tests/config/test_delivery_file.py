"""What newsquake.toml says of delivery, as docs/delivery.md has it; each mistake by key and line."""

from __future__ import annotations

import re
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from agents.config.delivery import AlertmanagerSpec, LinksFile, WebhookSpec
from agents.config.newsquake import load_config
from agents.delivery.alertmanager import AlertmanagerSink
from agents.delivery.message import annotations_of, labels_of
from agents.delivery.targets import targets_of
from agents.delivery.webhook import WebhookSink, secrets_of, signature
from streams.errors import ConfigError
from tests.delivery.delivering import OPENED_NS, alert
from tests.running import ROOT

PAGE = (ROOT / "docs" / "delivery.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}[^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def written(folder: Path, text: str) -> Path:
    path = folder / "newsquake.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_of_the_page_has_every_key_and_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AM_PASSWORD", "one")
    monkeypatch.setenv("DESK_SECRET", "whsec_c2VjcmV0 another")
    path = written(tmp_path, block("toml").replace('ca_file = "our-ca.pem"', 'ca_file = "ca.pem"'))
    settings = load_config(path)
    for spec in (AlertmanagerSpec, WebhookSpec, LinksFile):
        for key in spec.__struct_fields__:
            assert re.search(rf"^{key} = ", block("toml"), re.MULTILINE), key
    with pytest.raises(ConfigError, match=r'am-2: ca_file = "ca.pem" holds no certificates'):
        targets_of(settings, path)
    (tmp_path / "ca.pem").write_text(authority())
    targets = targets_of(settings, path)
    assert [target.label for target in targets] == ["127.0.0.1:9093", "am-2", "desk"]
    assert [type(target) for target in targets] == [AlertmanagerSink] * 2 + [WebhookSink]


def authority() -> str:
    """Return any certificate: the first that the system trusts."""
    for der in ssl.create_default_context().get_ca_certs(binary_form=True)[:1]:
        return ssl.DER_cert_to_PEM_cert(der)
    pytest.skip("this system trusts no authority")


HOOK = '[[webhooks]]\nname = "desk"\nurl = "http://127.0.0.1:1/"\nsecret_env = "S"\n'
AM = '[[alertmanagers]]\nurl = "http://127.0.0.1:9093"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[alertmanagers]]\nurl = "127.0.0.1:9093"\n', r"toml:2: .*url.*must begin with http://"),
        ('[[alertmanagers]]\nurl = "http://a:b@h/"\n', r"toml:2: .*url.*no user and password"),
        (AM + "interval = 5\n", r'toml:3: unknown key "interval".*valid: url, name, ca_file'),
        (AM + 'username = "u"\n', r"toml:3: .*username.*password_env, or neither"),
        (AM + 'name = "a b"\n', r"toml:3: .*name.*must be letters"),
        (AM + AM, r'"127.0.0.1:9093" is given twice'),
        (AM + 'name = "desk"\n' + HOOK, r'"desk" is given twice'),
        ('[[webhooks]]\nname = "x"\nurl = "http://h"\n', r"missing key \"secret_env\""),
        ('[[webhooks]]\nurl = "http://h"\nsecret_env = "S"\n', r"toml:1: .*name.*give it one"),
        (
            HOOK + 'transitions = ["closed"]\n',
            r'toml:5: .*"closed" is not known; valid: escalated, opened',
        ),
        (HOOK + "transitions = []\n", r"toml:5: .*transitions.*at least one of opened"),
        ('[links]\nrunbook = "http://h/{name}"\n', r"toml:2: .*runbook.*slots \{listing\}"),
        ('[links]\ndashboard = "/d/x"\n', r"toml:2: .*dashboard.*must begin with http"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(written(tmp_path, text))


@pytest.mark.parametrize(
    ("value", "said"), [("", "no such environment variable"), ("whsec_*", "is no base64")]
)
def test_a_secret_that_is_not_there_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("S", value)
    path = written(tmp_path, HOOK)
    with pytest.raises(ConfigError, match=said) as caught:
        targets_of(load_config(path), path)
    assert 'webhooks.secret_env = "S"' in str(caught.value)
    assert "whsec_*" not in str(caught.value)


def test_the_pages_way_to_verify_is_right() -> None:
    namespace: dict[str, Any] = {}
    exec(block("python"), namespace)
    verified, body, stamp = namespace["verified"], b'{"a":1}', str(int(time.time()))
    headers = {
        "webhook-id": "x",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,AAAA {signature(b'secret', 'x', stamp, body)}",
    }
    assert verified(headers, body, b"secret")
    assert not verified(headers, body + b" ", b"secret")
    assert not verified(headers, body, b"other")
    assert not verified({**headers, "webhook-timestamp": "1"}, body, b"secret")


def test_the_signature_of_the_standards_own_example() -> None:
    """From the specification of Standard Webhooks, its test vector of libraries."""
    (secret,) = secrets_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_links_and_texts_of_an_alert() -> None:
    said = annotations_of(alert(), LinksFile())
    ms = OPENED_NS // 1_000_000
    assert said["dashboard_url"] == (
        f"http://127.0.0.1:3000/d/newsquake-listing?var-listing=L0.XHKG&from={ms - 3_600_000}"
        f"&to={ms + 3_600_000}"
    )
    assert said["runbook_url"].endswith("/dashboards/RUNBOOK.md#day_move")
    assert said["summary"] == "L0.XHKG up 8.01 % on the day"
    assert "172.15 against a previous close of 159.4" in said["description"]
    assert labels_of(alert(), replay=False) == {
        "alertname": "day_move", "listing": "L0.XHKG", "direction": "up", "severity": "warning",
    }  # fmt: skip


def test_labels_stay_for_the_life_of_an_alert() -> None:
    states = [alert(), alert(transition="escalated", level_pct=10), alert(transition="resolved")]
    assert len({str(labels_of(each, replay=False)) for each in states}) == 1
