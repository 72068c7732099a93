"""The endpoint: formats by what is asked for, a port that is taken, clients that misbehave."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from functools import partial
from urllib.parse import urlsplit

import pytest

from agents.metrics import server
from agents.metrics.declared import PREFIX, ProcessMetrics
from agents.metrics.endpoint import Exposure, process_metrics, serving
from agents.metrics.exposition import Family, label, written
from agents.metrics.server import MetricsServer
from streams.errors import NewsquakeError
from tests.ingest.newsroom import free_port
from tests.metrics.scraping import OPENMETRICS, parsed, scraped
from tests.running import newsquake

HARD = 'a "quoted" \\ name\nof two lines'


def metrics() -> ProcessMetrics:
    made = process_metrics(Exposure(replay=HARD))
    made.count("deliveries", HARD, "told", by=2)
    made.observe("delivery_seconds", HARD, seconds=0.02)
    return made


@pytest.mark.parametrize("accept", ["text/plain", "*/*", OPENMETRICS])
def test_labels_are_escaped_in_both_formats(accept: str) -> None:
    with serving(Exposure(port=0), metrics(), print) as address:
        found = scraped(address, accept)
    assert ("openmetrics" in found.kind) is (accept == OPENMETRICS)
    assert found.value("replay_info", name=HARD) == 1
    assert found.value("deliveries_total", target=HARD, outcome="told") == 2
    assert found.value("delivery_seconds_bucket", target=HARD, le="0.025") == 1
    assert found.value("delivery_seconds_sum", target=HARD) == pytest.approx(0.02)
    assert not [name for name, _ in found.samples if name.endswith("_created")]


def test_families_that_are_written_already_stand_beside_those_of_the_registry() -> None:
    lines = [f"{PREFIX}_alerts_open{{{label(rule=HARD)}}} 4"]
    for openmetrics, kind in ((False, "text/plain"), (True, "application/openmetrics-text")):
        made = written(metrics().registry, [Family("alerts_open", lines)], openmetrics=openmetrics)
        assert parsed(kind, made.decode()).value("alerts_open", rule=HARD) == 4


def test_only_metrics_are_served_and_only_read() -> None:
    with serving(Exposure(port=0), metrics(), print) as address:
        base = address.removesuffix("/metrics")
        assert scraped(f"{base}/").text.startswith("# HELP")
        for request, code in (
            (urllib.request.Request(f"{base}/etc/passwd"), 404),
            (urllib.request.Request(address, data=b"x"), 501),
        ):
            with pytest.raises(urllib.error.HTTPError) as fault:
                urllib.request.urlopen(request, timeout=10)
            assert fault.value.code == code
            fault.value.close()


def test_a_client_that_goes_away_harms_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(Exposure(port=0), metrics(), lambda _: None) as address:
        port = int(address.rpartition(":")[2].removesuffix("/metrics"))
        for said in (b"", b"GET /metrics HTTP/1.0\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET /"):
            with closing(socket.create_connection(("127.0.0.1", port))) as client:
                client.sendall(said)
        assert scraped(address).value("replay_info", name=HARD) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_slow_client_holds_up_nobody_else() -> None:
    with serving(Exposure(port=0), metrics(), print) as address:
        port = int(address.rpartition(":")[2].removesuffix("/metrics"))
        with closing(socket.create_connection(("127.0.0.1", port))) as slow:
            slow.sendall(b"GET /metrics HTT")
            assert scraped(address).value("replay_info", name=HARD) == 1


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1", 200),
        ("LocalHost:9100", 200),
        ("[::1]:1", 200),
        ("rebound.example", 403),
        ("localhost.evil.example", 403),
        ("localhost:port", 400),
        ("a b", 400),
    ],
)
def test_nobody_elses_name_leads_here(host: str, code: int) -> None:
    with serving(Exposure(port=0), metrics(), print) as address:
        parts = urlsplit(address)
        with closing(
            http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        ) as asker:
            asker.request("GET", parts.path, headers={"Host": host})
            assert asker.getresponse().status == code


def test_connections_beyond_the_bound_are_closed_and_scrapes_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "PATIENCE_S", 0.5)
    before = threading.active_count()
    with serving(Exposure(port=0), metrics(), print) as address, ExitStack() as stack:
        port = int(address.rpartition(":")[2].partition("/")[0])
        connect = partial(socket.create_connection, ("127.0.0.1", port), timeout=10)
        idle = [stack.enter_context(connect()) for _ in range(3 * server.MOST_THREADS)]
        assert threading.active_count() - before <= server.MOST_THREADS + 1
        for each in idle:  # those beyond at once, the others when their time is over
            assert each.recv(1) == b""
        assert scraped(address).value("deliveries_total", target=HARD, outcome="told") == 2


def test_a_port_that_is_taken_is_said_plainly() -> None:
    with serving(Exposure(port=0), metrics(), print) as address:
        port = int(address.rpartition(":")[2].removesuffix("/metrics"))
        wanted = rf"\[metrics\] 127.0.0.1:{port} cannot be listened on: .* give another port"
        with pytest.raises(NewsquakeError, match=wanted):
            MetricsServer("127.0.0.1", port, lambda _: b"")
        with pytest.raises(NewsquakeError, match="cannot be listened on"):
            MetricsServer("no-such-host.invalid", 0, lambda _: b"")


def test_a_port_is_free_again_at_once() -> None:
    port = free_port()
    for _ in range(3):
        with serving(Exposure(port=port), metrics(), print) as address:
            assert scraped(address).families


def test_other_addresses_of_this_machine() -> None:
    try:
        with serving(Exposure(port=0, host="::1"), metrics(), print) as address:
            assert address.startswith("http://[::1]:")
            assert scraped(address).families
    except NewsquakeError as fault:
        pytest.skip(f"no IPv6 here: {fault}")


def test_hidden_metrics_listen_nowhere() -> None:
    said: list[str] = []
    with serving(Exposure(), metrics(), said.append) as address:
        assert address == ""
    assert said == []


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = newsquake("run", "--metrics-port", port)
    assert done.returncode == 2
    assert f"{port!r} is not a port" in done.stderr or "expected one argument" in done.stderr


def test_a_run_whose_port_is_taken_ends_saying_so(tmp_path: object) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = newsquake("run", "--metrics-port", port, "--spool", tmp_path)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in refusal_of(done.stderr)


def refusal_of(stderr: str) -> str:
    assert "Traceback" not in stderr
    return next(line for line in stderr.splitlines() if line.startswith("newsquake: "))
