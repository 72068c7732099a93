"""The pages and the read API, asked over real connections: what they say, refuse and never do."""

from __future__ import annotations

import base64
import html.parser
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agents.web.pages import alert_page
from agents.web.reader import AlertPage
from agents.web.server import WebServer
from agents.web.store import Store
from streams.errors import NewsquakeError
from streams.explanation import PathStep
from tests.web.site import Answer, alert, ask, headline, mention, reaction, serving

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
AT = "2025-09-24T02:05"


class Markup(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data

    def links(self) -> list[str | None]:
        return [value for name, value in self.attributes if name == "href"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    path = tmp_path_factory.mktemp("site") / "web.sqlite"
    with Store(path, kept_ns=None) as store:
        for number in range(1, 26):
            store.add(headline(number), 1)
            store.add(mention(number, "BABA" if number % 2 else "JD"), 1, 7_000_000_000)
        store.add(reaction(1), 1)
        store.add(reaction(2, "JD.XNAS"), 1)  # whose JD.XNAS is, it says wrongly: BABA's
        store.add(headline(30, title=HOSTILE, summary=HOSTILE, url="javascript:alert(1)"), 1)
        store.add(headline(31, title="Withdrawn", revision=0), 1)
        store.add(headline(31, title="Withdrawn", revision=1, action="deleted"), 1)
        for step, after_s in (("opened", 0), ("escalated", 5), ("updated", 9), ("resolved", 60)):
            store.add(alert(1, step, after_s), 1)
        store.add(alert(2, sentence=HOSTILE, listing="9988.XHKG"), 1)
    with serving(path) as server:
        yield server


# -- what is said


def test_a_headline_has_a_page_and_the_same_as_json(site: WebServer) -> None:
    page = ask(site, "/h/0000000000000001")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    seen = Markup(page.text)
    for words in ("Alibaba headline 1", "wire", "02:05:01", "02:05:02", "BABA.XNYS", "+1000.7"):
        assert words in seen.words, words
    assert ("rel", "noopener noreferrer") in seen.attributes
    assert "https://example.com/1" in seen.links()
    for asked in (
        ask(site, "/h/0000000000000001.json"),
        ask(site, "/h/0000000000000001", Accept="application/json"),
    ):
        told = asked.json
        assert told["headline"]["title"] == "Alibaba headline 1"
        assert told["scored_ns"] == 7_000_000_000
        assert [each["issuer"] for each in told["mentions"]] == ["BABA"]
        assert [each["horizon"] for each in told["reactions"]] == ["1m"]
    assert Markup(ask(site, "/h/0000000000000001", Accept="text/html, */*").text).tags


def test_an_alert_has_all_its_transitions_and_its_evidence(site: WebServer) -> None:
    told = ask(site, "/api/alerts/a000000000000001").json
    steps = [each["transition"] for each in told["transitions"]]
    assert steps == ["opened", "escalated", "updated", "resolved"]
    assert told["alert"]["state"] == "resolved"
    assert told["alert"]["attribution"]["candidates"][0]["title"] == "The cause"
    assert [each["title"] for each in told["headlines"]] == ["Alibaba headline 1"]
    page = Markup(ask(site, "/a/a000000000000001").text)
    assert "The cause" in page.words
    assert "/h/0000000000000001" in page.links()


def test_headlines_are_listed_for_annotations(site: WebServer) -> None:
    rows = ask(site, f"/api/headlines?listing=BABA.XNYS&from={AT}:00Z&to={AT}:06Z").json
    assert [row["headline_id"][-1] for row in rows] == ["5", "3", "2", "1"]
    newest = rows[0]
    assert newest["time"] == 1_758_679_505_000
    assert newest["tags"] == ["headline", "BABA.XNYS", "positive", "capex_expansion"]
    assert newest["page"] == "/h/0000000000000005"
    assert ask(site, "/api/headlines?listing=AMZN.XNAS").json == []


@pytest.mark.parametrize(
    "from_", ["1758679510", "1758679510000", "1758679510000000000", f"{AT}:10Z", f"{AT}:10%2B00:00"]
)
def test_times_are_taken_in_any_form(site: WebServer, from_: str) -> None:
    rows = ask(site, f"/api/headlines?from={from_}&to={AT}:12Z").json
    assert [row["headline_id"][-1] for row in rows] == ["b", "a"]


def test_alerts_are_listed_by_state_listing_and_time(site: WebServer) -> None:
    assert [row["listing"] for row in ask(site, "/api/alerts").json] == ["9988.XHKG", "BABA.XNYS"]
    (open_,) = ask(site, "/api/alerts?state=open").json
    assert (open_["listing"], open_["timeEnd"]) == ("9988.XHKG", None)
    (over,) = ask(site, "/api/alerts?state=resolved,retracted&listing=BABA.XNYS").json
    assert over["timeEnd"] - over["time"] == 60_000
    assert over["title"] == "day_move BABA.XNYS up 8 %"
    # what was over before `from` is left out, what is open is not
    assert [row["state"] for row in ask(site, f"/api/alerts?from={AT[:-1]}7:00Z").json] == ["open"]
    assert ask(site, f"/api/alerts?to={AT}:01Z").json == []


def test_pages_follow_each_other_to_the_end(site: WebServer) -> None:
    path, seen = "/api/headlines?limit=7", []
    while path:
        answer = ask(site, path)
        seen += [row["headline_id"] for row in answer.json]
        link = answer.headers.get("Link", "")
        path = link[1 : link.index(">")] if link else ""
    assert len(seen) == len(set(seen)) == 26  # the one that was deleted is not among them
    assert seen == sorted(seen, reverse=True)


def test_what_its_publisher_deleted_says_so(site: WebServer) -> None:
    assert "publisher has deleted it" in ask(site, "/h/000000000000001f").text
    revisions = ask(site, "/h/000000000000001f.json").json["revisions"]
    assert [each["action"] for each in revisions] == ["created", "deleted"]


def test_the_first_page_shows_what_is_newest(site: WebServer) -> None:
    page = Markup(ask(site, "/").text)
    assert "/h/0000000000000019" in page.links()
    assert "/a/a000000000000001" in page.links()


# -- what is refused


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("form=1", "'form': no such parameter; valid: listing, from, to, limit, before"),
        ("from=yesterday", "from: 'yesterday' is no time"),
        ("from=9e99", "from: '9e99' is no time"),
        ("to=99999999999999999999999", "is no time"),
        ("from=2025-09-25&to=2025-09-24", "from: it is later than to"),
        ("limit=0", "limit: '0' is no whole number from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=-1", "from 1 to 1000"),
        ("limit=9999999999999999999999", "from 1 to 1000"),
        ("listing=BABA", "write SYMBOL.MIC"),
        ("listing=%27%20OR%201=1--.XNYS", "write SYMBOL.MIC"),
        ("before=x", "was not given by a Link of ours"),
        ("limit=1&limit=2", "limit: it is given twice"),
        ("listing=%3Cscript%3E", "write SYMBOL.MIC"),
    ],
)
def test_a_wrong_parameter_is_explained(site: WebServer, query: str, words: str) -> None:
    answer = ask(site, f"/api/headlines?{query}")
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert words in answer.json["error"]


def test_a_wrong_state_is_explained(site: WebServer) -> None:
    answer = ask(site, "/api/alerts?state=firing")
    assert answer.status == 400
    assert "valid: open, resolved, retracted" in answer.json["error"]


@pytest.mark.parametrize(
    "path",
    ["/h/nothing", "/a/nothing", "/api/alerts/nothing", "/elsewhere", "/h/%00", "/h/" + "x" * 5000],
)
def test_what_is_not_there_is_404_and_names_nothing_back(site: WebServer, path: str) -> None:
    answer = ask(site, path)
    assert answer.status == 404
    assert "nothing" not in answer.text
    assert_safe(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(site: WebServer, method: str) -> None:
    answer = ask(site, "/api/headlines", method)
    assert answer.status == 405
    assert_safe(answer)


# -- hostile words


def assert_safe(answer: Answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Python" not in answer.headers["Server"]


@pytest.mark.parametrize(
    "path", ["/", "/h/000000000000001e", "/a/a000000000000002", "/a/a000000000000001"]
)
def test_words_of_a_headline_stay_words(site: WebServer, path: str) -> None:
    answer = ask(site, path)
    page = Markup(answer.text)
    assert_safe(answer)
    assert {"script", "img", "iframe", "style", "form"}.isdisjoint(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert not [link for link in page.links() if "javascript" in str(link)]
    if path != "/a/a000000000000001":
        assert HOSTILE in page.words


def test_annotations_are_html_and_escaped_links_are_web_links(site: WebServer) -> None:
    (row,) = ask(site, f"/api/headlines?from={AT}:30Z&to={AT}:31Z").json
    assert row["title"] == HOSTILE  # data; `text` is what is shown as HTML
    assert Markup(row["text"]).tags == []
    assert Markup(row["text"]).words == HOSTILE
    assert row["url"] == ""
    assert ask(site, "/h/000000000000001e.json").json["headline"]["url"] == ""


# -- who may ask


def test_without_a_token_only_by_a_name_of_this_machine(site: WebServer) -> None:
    port = site.address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]"):
        assert ask(site, "/api/alerts", Host=host).status == 200, host
    for host in ("evil.example", f"127.0.0.1.evil.example:{port}", "10.0.0.1"):
        answer = ask(site, "/api/alerts", Host=host)
        assert answer.status == 403, host
        assert "localhost only" in answer.json["error"]
        assert_safe(answer)


def test_with_a_token_it_must_be_shown(tmp_path: Path) -> None:
    with Store(tmp_path / "web.sqlite", kept_ns=None) as store:
        store.add(headline(1), 1)
    basic = base64.b64encode(b"anybody:s3:cret").decode()
    with serving(tmp_path / "web.sqlite", "s3:cret") as server:
        for shown in ("Bearer s3:cret", "bearer s3:cret", f"Basic {basic}"):
            good = ask(server, "/h/0000000000000001", Authorization=shown, Host="news.example")
            assert good.status == 200, shown
        for shown in ("", "Bearer", "Bearer s3", "Basic !", "Basic czNjcmV0", "Bearer \xff"):
            answer = ask(server, "/api/headlines", Authorization=shown)
            assert answer.status == 401, shown
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
            assert "s3:cret" not in answer.text
        assert ask(server, "/healthz").json == {"state": "ok"}
        assert ask(server, "/style.css").status == 200


def test_a_port_that_is_taken_is_named(site: WebServer, tmp_path: Path) -> None:
    Store(tmp_path / "web.sqlite").close()
    port = int(site.address.rpartition(":")[2])
    with pytest.raises(NewsquakeError, match=rf"web: 127.0.0.1:{port} cannot be listened on"):
        WebServer(tmp_path / "web.sqlite", "127.0.0.1", port, None)


@pytest.mark.parametrize("host", ["127.0.0.1:port", "127.0.0.1:70000", "a b", "[::1", "\xff"])
def test_a_host_that_is_none_is_a_bad_request(
    site: WebServer, host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = ask(site, "/api/alerts", Host=host)
    assert answer.status == 400
    assert "Traceback" not in capfd.readouterr().err


def test_the_page_of_an_alert_shows_its_path_and_what_was_news() -> None:
    at_ns = 1_758_679_500_000_000_000
    step = PathStep(
        start_ns=at_ns, end_ns=at_ns + 60_000_000_000, return_bps=512.0, market_bps=-51.0,
        sector_bps=0.0, causes={f"{1:016x}": 301.0, "nobody": 0.4},
    )  # fmt: skip
    plain = msgspec.to_builtins(alert(timeline=(step,)))
    shown = Markup(alert_page(AlertPage(alert=plain, transitions=[], headlines=[]))).words
    assert "2025-09-24 02:05:002025-09-24 02:06:00+5.12 %-0.51 %+3.01 % The cause" in shown
    assert "nobody" not in shown
    plain = msgspec.to_builtins(alert())
    old = Markup(alert_page(AlertPage(alert=plain, transitions=[], headlines=[]))).words
    assert "An earlier release kept none." in old
