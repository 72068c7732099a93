"""`newsquake doctor` on a real broker: each thing that can be wrong is named, with its remedy."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer

from agents.dev.kafka import Account
from agents.doctor import command as doctor
from agents.doctor import machine
from agents.doctor.check import Check
from agents.doctor.listener import Listener, heard
from streams.events import DAY_NS, SECOND_NS
from streams.reference.universe import builtin_universe
from streams.topics import HEADLINES, MARKET
from tests.integration.conftest import producer, wait_until
from tests.integration.test_topics import closed, silent
from tests.running import newsquake

pytestmark = [
    # kafka-python leaves a socket to the collector when it is closed while it connects once more.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.usefixtures("refused_sockets"),
]

LAST_DAY_NS = 1_830_211_200 * SECOND_NS  # 2027-12-31, until when the shipped tables reach
PASSWORD = "NEWSQUAKE_TEST_PASSWORD"
AREAS = [
    "configuration",
    "calendars",
    "disk",
    "development",
    "news",
    "broker",
    "topics",
    "clock",
    "workers",
]


class Diagnosis:
    """What one look of the doctor found."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks
        assert list(dict.fromkeys(each.area for each in checks)) == AREAS
        assert [c for c in checks if c.state in {"wrong", "warning"} and not c.mend] == []

    def of(self, area: str) -> list[Check]:
        return [check for check in self.checks if check.area == area]

    def wrong(self) -> list[Check]:
        return [check for check in self.checks if check.state == "wrong"]

    def the_wrong_one(self) -> Check:
        (found,) = self.wrong()
        return found


def diagnosed(
    *, config: Path | None = None, broker: str | None = None, prefix: str | None = None
) -> Diagnosis:
    return Diagnosis(list(doctor.diagnosed(config, broker, prefix, time.time_ns)))


def told(*words: object) -> Diagnosis:
    """Run the command itself, for its JSON."""
    done = newsquake("doctor", "--json", *words)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.returncode == 0)
    return Diagnosis(msgspec.convert(answer["checks"], list[Check]))


def create_topics(kafka: Account, prefix: str, partitions: int = 3) -> None:
    words = ("--broker", kafka.bootstrap, "--prefix", prefix, "--partitions", partitions)
    done = newsquake("topics", "create", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def written(folder: Path, kafka: Account, **changes: str) -> Path:
    """Write a configuration that logs in to the secured listener, but for the changes."""
    login = kafka.sasl_ssl
    values = {
        "broker": login.bootstrap,
        "security": "sasl_ssl",
        "mechanism": login.mechanism,
        "ca_file": login.ca_file,
        "username": login.username,
        "password_env": PASSWORD,
    }
    lines = [f'{key} = "{value}"' for key, value in (values | changes).items() if value]
    path = folder / "newsquake.toml"
    path.write_text("\n".join(["[kafka]", *lines, ""]))
    return path


# -- without a broker


def test_sources_of_news_are_asked(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    path = tmp_path / "newsquake.toml"
    path.write_text(
        '[[folders]]\nname = "here"\npath = "drop"\nsource = "x"\n'
        '[[folders]]\nname = "gone"\npath = "nowhere"\nsource = "x"\n'
        '[[feeds]]\nname = "dead"\nurl = "http://127.0.0.1:1/rss"\n'
    )
    found = told("--config", str(path))
    assert [(check.name, check.state) for check in found.of("news")] == [
        ("dead", "wrong"),
        ("gone", "wrong"),
        ("here", "ok"),
    ]
    assert "feeds test dead" in found.of("news")[0].mend


def test_without_a_broker_the_rest_is_looked_at() -> None:
    found = told()
    assert found.wrong() == []
    assert {check.state for area in AREAS[4:] for check in found.of(area)} == {"skipped"}
    assert "no broker is named" in found.of("topics")[0].detail


def test_a_person_sees_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    config = tmp_path / "newsquake.toml"
    config.write_text('[kafka]\nbrocker = "a:1"\n')
    done = newsquake("doctor", "--config", config)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    (place,) = (n for n, line in enumerate(lines) if line.startswith("  wrong "))
    assert f"{config}:2" in lines[place]
    assert 'did you mean "broker"' in lines[place]
    assert lines[place + 1].strip().startswith("to mend it: ")
    assert lines[-1] == "1 wrong, 0 warnings"


@pytest.mark.parametrize("words", [["--broker", "nohost"], ["--prefix", "a b"]])
def test_what_the_command_line_has_wrong_is_wrong_usage(words: list[str]) -> None:
    assert newsquake("doctor", *words).returncode == 2


def test_a_wrong_address_in_the_file_is_a_finding(tmp_path: Path) -> None:
    config = tmp_path / "newsquake.toml"
    config.write_text('[kafka]\nbroker = "nohost"\n')
    done = newsquake("doctor", "--json", "--config", config)
    assert done.returncode == 1
    assert "host:port" in done.stdout


def test_a_rule_that_can_never_fire_is_seen(tmp_path: Path) -> None:
    config = tmp_path / "newsquake.toml"
    config.write_text(
        '[[rules]]\nname = "r"\nkind = "day_move"\nlistings = ["BABA.XNYS", "NO.XNYS"]\n'
    )
    fault = diagnosed(config=config).the_wrong_one()
    assert (fault.name, fault.detail.split(":")[0]) == ("rule r", "NO.XNYS")


def test_the_universe_that_is_named_is_loaded(tmp_path: Path) -> None:
    config, table = tmp_path / "newsquake.toml", tmp_path / "mine.csv"
    config.write_text('[universe]\nfile = "mine.csv"\n')
    head = "issuer,name,symbol,mic,currency,shares_per_unit,aliases\n"
    table.write_text(f"{head}acme,Acme,ACME,XNYS,USD,one,\n")
    fault = diagnosed(config=config).the_wrong_one()
    assert (fault.name, f"{table}:2" in fault.detail) == ("universe", True)
    table.write_text(f"{head}acme,Acme,ACME,XNYS,USD,1,\nacme,Acme,ACM,XPAR,EUR,1,\n")
    found = diagnosed(config=config)
    assert found.of("configuration")[1].detail == "mine.csv: 2 listings of 1 issuers"
    (unknown,) = (check for check in found.of("calendars") if check.state == "warning")
    assert (unknown.name, "1 listings are not followed" in unknown.detail) == ("XPAR", True)


@pytest.mark.parametrize(
    ("days", "state"), [(61, "ok"), (60, "ok"), (59, "warning"), (0, "warning"), (-1, "wrong")]
)
def test_calendars_that_end_are_seen_in_time(days: int, state: str) -> None:
    found = list(machine.calendars(builtin_universe(), LAST_DAY_NS - days * DAY_NS))
    assert [check.name for check in found] == ["XHKG", "XNYS"]
    assert {check.state for check in found} == {state}


def test_a_full_disk_and_a_folder_that_is_not_ours_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "made"))
    monkeypatch.setattr(machine, "DISK_WRONG_GB", 1e9)
    monkeypatch.setattr(machine, "DISK_WARNING_GB", 1e9)
    assert {check.state for check in machine.disk()} == {"wrong"}
    assert not (tmp_path / "not").exists()


# -- what keeps it from a broker


@pytest.mark.alone
@pytest.mark.slow
def test_a_broker_that_cannot_be_reached_is_said_in_time() -> None:
    with (
        silent() as mute,
        closed() as refused,
        speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as web,
    ):
        began_s = time.monotonic()
        found = diagnosed(broker=f"{refused},no-such-host.invalid:9092,{mute},{web}")
        assert time.monotonic() - began_s < 20
    said = [check.detail for check in found.of("broker")]
    assert said[0] == "nobody listens there"
    assert said[1].startswith("no such host")
    assert "says nothing" in said[2]
    assert said[3] == "what answers there is no Kafka broker"
    assert {check.state for area in AREAS[6:] for check in found.of(area)} == {"skipped"}


@contextmanager
def speaking(answer: bytes) -> Iterator[str]:
    """Give everyone who connects the same answer, and hang up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.slow
def test_one_dead_server_of_two_is_only_a_warning(kafka: Account, prefix: str) -> None:
    create_topics(kafka, prefix)
    with closed() as refused:
        found = diagnosed(broker=f"{refused},{kafka.bootstrap}", prefix=prefix)
    assert [check.state for check in found.of("broker")] == ["warning", "ok", "ok", "ok"]
    assert found.wrong() == []


@pytest.mark.slow
def test_what_a_listener_speaks_is_heard(kafka: Account) -> None:
    assert heard(kafka.bootstrap, 2.0) == Listener(tls=False)
    secured = Listener(tls=True, mechanisms=(kafka.sasl_ssl.mechanism,))
    assert heard(kafka.sasl_ssl.bootstrap, 2.0) == secured


@pytest.mark.slow
def test_plain_text_on_a_tls_port_is_named(kafka: Account) -> None:
    fault = diagnosed(broker=kafka.sasl_ssl.bootstrap).the_wrong_one()
    assert fault.detail == "it speaks sasl_ssl (SCRAM-SHA-512), we are told plaintext"
    assert 'security = "sasl_ssl"' in fault.mend


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"broker": "PLAIN"}, "it speaks plaintext, we are told sasl_ssl"),
        ({"security": "ssl"}, "it speaks sasl_ssl (SCRAM-SHA-512), we are told ssl"),
        ({"mechanism": "PLAIN"}, "its login is by SCRAM-SHA-512, not PLAIN"),
        ({"username": "nobody"}, "user nobody or its password is refused"),
        ({"ca_file": ""}, "its certificate is not trusted"),
        ({"ca_file": "/none.pem"}, 'kafka.ca_file = "/none.pem"'),
        ({"password_env": "NEWSQUAKE_UNSET"}, '"NEWSQUAKE_UNSET": that variable is not set'),
    ],
)
def test_a_wrong_login_is_named(
    kafka: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setenv(PASSWORD, Path(kafka.sasl_ssl.password_file).read_text())
    if changes.get("broker") == "PLAIN":
        changes = {"broker": kafka.bootstrap}
    found = diagnosed(config=written(tmp_path, kafka, **changes))
    assert said in found.the_wrong_one().detail
    assert found.of("clock")[0].state == "skipped"


@pytest.mark.slow
def test_a_wrong_password_is_named_as_such(
    kafka: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = Path(kafka.sasl_ssl.password_file).read_text()
    monkeypatch.setenv(PASSWORD, password + "x")
    config = written(tmp_path, kafka)
    done = newsquake("doctor", "--config", config)
    assert done.returncode == 1
    assert "user newsquake or its password is refused" in done.stdout
    assert PASSWORD in done.stdout
    assert password not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_right_password_is_let_in(
    kafka: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    create_topics(kafka, prefix)
    monkeypatch.setenv(PASSWORD, Path(kafka.sasl_ssl.password_file).read_text())
    found = told("--config", written(tmp_path, kafka, prefix=prefix))
    assert found.wrong() == []
    assert [check.name for check in found.of("broker")][1:] == ["login", "advertised"]


# -- what it holds


@pytest.mark.slow
def test_all_is_well_and_nothing_is_left(
    kafka: Account, admin: KafkaAdminClient, prefix: str
) -> None:
    create_topics(kafka, prefix)
    before = set(admin.list_topics())
    done = newsquake("doctor", "--broker", kafka.bootstrap, "--prefix", prefix)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "all is well"
    wait_until(lambda: set(admin.list_topics()) <= before | {"__consumer_offsets"})


@pytest.mark.slow
def test_no_topics_yet_are_one_line(kafka: Account, prefix: str) -> None:
    fault = diagnosed(broker=kafka.bootstrap, prefix=prefix).the_wrong_one()
    assert (fault.area, fault.name) == ("topics", "all")
    assert fault.mend == f"newsquake topics create --broker {kafka.bootstrap} --prefix {prefix}"


@pytest.mark.slow
def test_a_missing_topic_is_named(kafka: Account, admin: KafkaAdminClient, prefix: str) -> None:
    create_topics(kafka, prefix)
    admin.delete_topics([f"{prefix}{HEADLINES}"])
    wait_until(lambda: f"{prefix}{HEADLINES}" not in admin.list_topics())
    found = diagnosed(broker=kafka.bootstrap, prefix=prefix)
    fault = found.the_wrong_one()
    assert (fault.name, fault.detail) == (f"{prefix}{HEADLINES}", "missing")
    assert "newsquake topics create" in fault.mend
    assert found.of("topics")[-1].name == "8 of 9"
    assert found.of("workers")[0].detail == "its topic is missing"


@pytest.mark.slow
def test_wrong_partitions_are_named(kafka: Account, admin: KafkaAdminClient, prefix: str) -> None:
    admin.create_topics({f"{prefix}{HEADLINES}": {"num_partitions": 5}}, wait_for_metadata=True)
    found = diagnosed(broker=kafka.bootstrap, prefix=prefix)
    wrong = {check.name: check for check in found.wrong()}
    headlines = wrong[f"{prefix}{HEADLINES}"]
    assert "5 partitions instead of 1" in headlines.detail
    assert "never changed in place" in headlines.mend
    assert wrong[f"{prefix}{MARKET}"].detail == "missing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ahead_s", "state", "side"),
    [(-7.0, "wrong", "behind"), (7.0, "wrong", "ahead of"), (2.0, "warning", "ahead of")],
)
def test_a_skewed_clock_is_seen(
    kafka: Account,
    prefix: str,
    capsys: pytest.CaptureFixture[str],
    ahead_s: float,
    state: str,
    side: str,
) -> None:
    def skewed_ns() -> int:
        return time.time_ns() + int(ahead_s * SECOND_NS)

    code = doctor.run_doctor(None, kafka.bootstrap, prefix, as_json=True, now_ns=skewed_ns)
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] == (code == 0)
    (check,) = (each for each in answer["checks"] if each["area"] == "clock")
    assert check["state"] == state
    assert abs(float(check["detail"].split()[3]) - abs(ahead_s)) < 0.5
    assert f" s {side} the broker" in check["detail"]


@pytest.mark.slow
def test_workers_and_what_they_have_not_read(kafka: Account, prefix: str) -> None:
    create_topics(kafka, prefix, partitions=2)
    market, group = f"{prefix}{MARKET}", f"{prefix}newsquake-react"

    def react() -> Check:
        found = diagnosed(broker=kafka.bootstrap, prefix=prefix)
        assert found.wrong() == []
        return next(check for check in found.of("workers") if check.name == group)

    with producer(kafka) as sender:
        for partition, count in ((0, 3), (1, 2)):
            for _ in range(count):
                sender.send(market, b"x", partition=partition)
        sender.flush()
    never = react()
    assert (never.state, never.mend) == ("warning", "start one: newsquake worker react")
    assert never.detail == "0 workers, 5 records unread (partition 0: 3, 1: 2)"
    options: dict[str, Any] = {"auto_offset_reset": "earliest", "enable_auto_commit": False}
    worker = KafkaConsumer(market, bootstrap_servers=kafka.bootstrap, group_id=group, **options)
    seen: list[Any] = []
    wait_until(lambda: seen.extend(worker.poll(200).values()) or sum(map(len, seen)) == 5)
    worker.commit()
    assert react().detail == "1 worker, nothing unread"
    with producer(kafka) as sender:
        sender.send(market, b"x", partition=1).get(timeout=10)
    behind = react()
    assert (behind.state, behind.detail) == ("ok", "1 worker, 1 records unread (partition 1: 1)")
    worker.close()
    assert react().state == "warning"
