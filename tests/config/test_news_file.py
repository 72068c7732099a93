"""What newsquake.toml may say of news: defaults, every key, and the words in which it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.config.news import FeedSpec, FolderSpec, InboxFile, NewsFile, WireSpec
from agents.config.newsquake import NewsquakeFile, load_config
from agents.ingest.news_plan import NewsPlan, polled
from agents.ingest.sources import seen_items_of, sources_of
from streams.errors import ConfigError
from streams.rhythm import Expect
from streams.times import DAY_S

LEAST = {
    "feeds": '[[feeds]]\nname = "a"\nurl = "https://www.example.org/rss"\n',
    "wires": '[[wires]]\nkind = "benzinga"\nkey_env = "KEY"\n',
    "folders": '[[folders]]\nname = "a"\npath = "in"\nsource = "S"\n',
    "inbox": '[inbox]\nsource = "S"\n',
}
ORIGIN = """
source = "Reuters"
tier = "outlet"
dialect = "rss"
language = "fr"
precision = "minute"
delay_s = 900
lateness_bound_s = 60.5
symbols = ["BABA", "9988.HK"]
expect = { busy_per_hour = 4.5, quiet_per_hour = 0.5, zone = "Europe/Paris" }
"""
EVERY = (
    '[news]\ncontact = "me@example.org"\nstate = "seen.sqlite"\nmost_items = 900\n'
    '[[feeds]]\nname = "f"\nurl = "https://example.org/"\ninterval_s = 5\nuser_agent = "Mine/1"'
    + ORIGIN
    + '[[wires]]\nkind = "alpaca"\nkey_env = "A"\nsecret_env = "B"\nname = "w"\nsymbols = ["X"]\n'
    'url = "ws://127.0.0.1:1/"\nbackfill_url = "http://127.0.0.1:1/"\nexpect = {}\n'
    '[[wires]]\nkind = "benzinga"\nkey_env = "A"\nchannels = ["WIIM"]\n'
    '[[wires]]\nkind = "finnhub"\nkey_env = "A"\nsymbols = ["X"]\nreleases = true\n'
    '[[folders]]\nname = "d"\npath = "in"\npattern = "*.xml"\ninterval_s = 86400\ndone = "out"'
    + ORIGIN
    + '[inbox]\nname = "i"\nhost = "0.0.0.0"\nport = 65535\ntoken_env = "T"'
    + ORIGIN
)


def loaded(tmp_path: Path, text: str) -> NewsquakeFile:
    path = tmp_path / "newsquake.toml"
    path.write_text(text, "utf-8")
    return load_config(path)


# -- defaults


def test_without_news_there_is_none() -> None:
    settings = NewsquakeFile()
    assert (settings.news, settings.inbox) == (NewsFile(contact="", state=None), None)
    assert settings.feeds == settings.wires == settings.folders == ()
    assert settings.news_names() == []


def test_the_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "".join(LEAST.values()).replace('"a"\npath', '"b"\npath'))
    (feed,), (wire,), (folder,) = settings.feeds, settings.wires, settings.folders
    assert settings.inbox is not None
    assert (feed.interval_s, feed.user_agent) == (60, "")
    info = feed.feed
    assert (info.source, info.tier, info.url) == ("example.org", "unknown", feed.url)
    assert (info.dialect, info.language, info.precision_s, info.symbols) == ("auto", "", None, ())
    assert (info.delay_s, info.lateness_bound_s) == (0, DAY_S)
    assert feed.expect == folder.expect == settings.inbox.expect == Expect()
    assert (wire.label, wire.symbols, wire.channels, wire.releases) == ("benzinga", (), (), False)
    assert (wire.secret_env, wire.url, wire.backfill_url) == (None, None, None)
    assert wire.expect == Expect(busy_per_hour=60, quiet_per_hour=2)
    assert (folder.pattern, folder.interval_s, folder.done) == ("*", 1, None)
    inbox = settings.inbox
    assert (inbox.name, inbox.host, inbox.port, inbox.token_env) == (
        "inbox",
        "127.0.0.1",
        8410,
        None,
    )
    assert settings.news_names() == ["a", "b", "benzinga", "inbox"]


def test_every_key_has_its_effect(tmp_path: Path) -> None:
    settings = loaded(tmp_path, EVERY)
    assert settings.news == NewsFile(contact="me@example.org", state="seen.sqlite", most_items=900)
    inbox = settings.inbox
    assert inbox is not None
    folder, feed = settings.folders[0], settings.feeds[0]
    for spec in (feed, folder, inbox):
        info = spec.info("elsewhere")
        assert (info.source, info.tier, info.dialect) == ("Reuters", "outlet", "rss")
        assert (info.language, info.precision_s) == ("fr", 60)
        assert (info.delay_s, info.lateness_bound_s) == (900, 60.5)
        assert info.symbols == ("BABA", "9988.HK")
        assert spec.expect == Expect(busy_per_hour=4.5, quiet_per_hour=0.5, zone="Europe/Paris")
    taken = polled(feed)
    assert (taken.info.name, taken.interval_s, taken.user_agent) == ("f", 5, "Mine/1")
    assert (folder.pattern, folder.interval_s, folder.done) == ("*.xml", DAY_S, "out")
    assert (inbox.host, inbox.port, inbox.token_env) == ("0.0.0.0", 65535, "T")
    assert [wire.label for wire in settings.wires] == ["w", "benzinga", "finnhub"]
    assert settings.wires[0].expect == Expect()
    assert settings.news_names() == ["f", "d", "w", "benzinga", "finnhub", "i"]


def test_every_key_is_in_that_test() -> None:
    named = {line.split(" = ")[0] for line in EVERY.splitlines()}
    kinds = (NewsFile, FeedSpec, WireSpec, FolderSpec, InboxFile)
    keys = {key for kind in kinds for key in kind.__struct_fields__}
    assert keys <= named


@pytest.mark.parametrize(("word", "precision_s"), [("second", 1), ("minute", 60), ("day", DAY_S)])
def test_precision_in_seconds(tmp_path: Path, word: str, precision_s: int) -> None:
    (feed,) = loaded(tmp_path, LEAST["feeds"] + f'precision = "{word}"\n').feeds
    assert feed.feed.precision_s == precision_s


def test_a_publisher_that_is_known_has_its_tier(tmp_path: Path) -> None:
    text = LEAST["feeds"].replace("www.example.org", "feeds.reuters.com")
    (feed,) = loaded(tmp_path, text).feeds
    assert (feed.feed.source, feed.feed.tier) == ("feeds.reuters.com", "wire")


# -- refusals: (kind of table, what is added to the least that it needs, what is said)

FAULTS = [
    ("feeds", 'colour = "red"', 'unknown key "colour" in [[feeds]] #1'),
    ("feeds", "interval_s = 4.9", '"interval_s" in [[feeds]] #1: it must be from 5 to 86400'),
    ("feeds", "interval_s = 86401", '"interval_s" in [[feeds]] #1: it must be from 5 to 86400'),
    ("feeds", "interval_s = nan", '"interval_s" in [[feeds]] #1: it must be from 5 to 86400'),
    ("feeds", 'interval_s = "60"', '"interval_s" in [[feeds]] #1: Expected `float`, got `str`'),
    ("feeds", 'dialect = "rrs"', '"dialect" in [[feeds]] #1: "rrs" is not known; valid: auto, '),
    ("feeds", 'tier = "wires"', 'did you mean "wire"?'),
    ("feeds", 'precision = "hour"', '"hour" is not known; valid: day, minute, second'),
    ("feeds", "delay_s = -1", '"delay_s" in [[feeds]] #1: it must be from 0 to'),
    ("feeds", "lateness_bound_s = inf", '"lateness_bound_s" in [[feeds]] #1: it must be from 0'),
    ("feeds", 'symbols = "BABA"', '"symbols" in [[feeds]] #1: Expected `array`'),
    (
        "feeds",
        "expect = { busy_per_hour = -1 }",
        '"busy_per_hour" in [[feeds]] #1, expect: it must',
    ),
    (
        "feeds",
        'expect = { zone = "EST5" }',
        '"zone" in [[feeds]] #1, expect: "EST5" is no time zone',
    ),
    ("feeds", "expect = { hourly = 1 }", 'unknown key "hourly" in [[feeds]] #1, expect'),
    ("wires", "releases = true", "releases"),
    (
        "wires",
        'url = "https://example.org/"',
        '"url" in [[wires]] #1: https://example.org/ must begin',
    ),
    ("wires", 'backfill_url = "wss://x/"', '"backfill_url" in [[wires]] #1: wss://x/ must begin'),
    ("wires", 'name = "a b"', '"name" in [[wires]] #1: "a b" must be letters, digits'),
    ("wires", 'secret = "abc"', 'unknown key "secret" in [[wires]] #1; did you mean "secret_env"?'),
    ("folders", "interval_s = 0", '"interval_s" in [[folders]] #1: it must be from 0.05 to 86400'),
    ("folders", 'done = "./in"', '"done" in [[folders]] #1: it must be another folder than path'),
    ("inbox", "port = 65536", '"port" in [inbox]: it must be from 0 (any that is free) to 65535'),
    ("inbox", "port = -1", '"port" in [inbox]: it must be from 0'),
    ("inbox", 'host = "0.0.0.0"', '"token_env" in [inbox]: name the variable with a token'),
    ("inbox", 'host = ""', '"token_env" in [inbox]: name the variable with a token'),
    ("inbox", 'name = "-"', '"name" in [inbox]: "-" must be letters'),
    ("inbox", 'url = "x"', 'unknown key "url" in [inbox]'),
]


@pytest.mark.parametrize(("table", "added", "said"), FAULTS, ids=lambda each: each[:40])
def test_a_fault_is_named_with_its_line(tmp_path: Path, table: str, added: str, said: str) -> None:
    text = "# news\n" + LEAST[table] + added + "\n"
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)
    own_line = text.count("\n")
    wanted = 2 if "token_env" in said else own_line
    assert caught.value.line == wanted, str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[news]\nmost_items = 0\n", 2, "it must be from 1 to 50000"),
        ("[news]\ncontacts = 1\n", 2, 'unknown key "contacts" in [news]; did you mean "contact"?'),
        ("[news]\nstate = 7\n", 2, '"state" in [news]: Expected `str'),
        ('[[feeds]]\nurl = "https://x/"\n', 1, 'missing key "name" in [[feeds]] #1'),
        ('[[feeds]]\nname = "a"\n', 1, 'missing key "url" in [[feeds]] #1'),
        ('[[feeds]]\nname = ""\nurl = "https://x/"\n', 2, '"" must be letters'),
        ('[[feeds]]\nname = "a"\nurl = "example.org"\n', 3, "must begin with http:// or https://"),
        ('[[feeds]]\nname = "a"\nurl = "https://x:y/"\n', 3, "is no address"),
        ('[[feeds]]\nname = "a"\nurl = "file:///etc/passwd"\n', 3, "must begin with http://"),
        ('[[wires]]\nkind = "reuters"\nkey_env = "K"\n', 2, "valid: alpaca, benzinga, finnhub"),
        ('[[wires]]\nkind = "alpaca"\nkey_env = "K"\n', 1, '"secret_env" in [[wires]] #1: alpaca'),
        ('[[wires]]\nkind = "finnhub"\nkey_env = "K"\n', 1, '"symbols" in [[wires]] #1: finnhub'),
        ('[[wires]]\nkind = "benzinga"\n', 1, 'missing key "key_env"'),
        ('[[wires]]\nkind = "finnhub"\nkey_env = "K"\nsymbols = ["X"]\nchannels = ["Y"]\n', 5,
         '"channels" in [[wires]] #1: finnhub has none'),
        ('[[folders]]\nname = "a"\npath = "b"\n', 1, '"source" in [[folders]] #1: name the pub'),
        ("[inbox]\n", 1, '"source" in [inbox]: name the publisher'),
        ("[[inbox]]\n", 1, "inbox"),
        ('[feeds]\nname = "a"\n', 1, "feeds"),
        (LEAST["feeds"] + "\n" + LEAST["folders"], 5, '"a" is given twice'),
        (LEAST["wires"] * 2, 1, '"benzinga" is given twice'),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.line == line, str(caught.value)


# -- from there to sources


def plan_of(tmp_path: Path, text: str) -> NewsPlan:
    return NewsPlan(loaded(tmp_path, text), tmp_path / "newsquake.toml")


@pytest.mark.parametrize(
    ("text", "env", "said"),
    [
        (LEAST["wires"], {}, 'wires.key_env = "KEY"'),
        (LEAST["wires"], {"KEY": ""}, 'wires.key_env = "KEY"'),
        (LEAST["wires"].replace("benzinga", "alpaca") + 'secret_env = "OTHER"\n', {"KEY": "k"},
         'wires.secret_env = "OTHER"'),
        (LEAST["inbox"] + 'token_env = "TOKEN"\n', {}, 'inbox.token_env = "TOKEN"'),
    ],
)  # fmt: skip
def test_a_secret_must_be_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, env: dict[str, str], said: str
) -> None:
    for name in ("KEY", "OTHER", "TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        plan_of(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "newsquake.toml") in str(caught.value)


def test_a_plan_knows_what_to_expect_of_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ABT":
        monkeypatch.setenv(name, "x")
    plan = plan_of(tmp_path, EVERY)
    assert sorted(plan.expects) == ["benzinga", "d", "f", "finnhub", "i", "w"]
    assert plan.expects["f"].zone == "Europe/Paris"
    assert plan.expects["benzinga"].busy_per_hour == 60


def test_where_it_is_kept_what_was_seen(tmp_path: Path) -> None:
    config, home = tmp_path / "newsquake.toml", tmp_path / "home"
    assert seen_items_of(NewsquakeFile(), None, home) == home / "news.sqlite"
    named = NewsquakeFile(news=NewsFile(state="kept/seen"))
    assert seen_items_of(named, config, home) == tmp_path / "kept" / "seen"
    absolute = NewsquakeFile(news=NewsFile(state=str(home / "x")))
    assert seen_items_of(absolute, config, home) == home / "x"


def test_news_comes_beside_standard_input(tmp_path: Path) -> None:
    config = tmp_path / "newsquake.toml"
    silent = sources_of(NewsquakeFile(), None, tmp_path, print)
    assert [source.name for source in silent] == ["stdin"]
    settings = loaded(tmp_path, LEAST["feeds"])
    both = sources_of(settings, config, tmp_path, print)
    assert [source.name for source in both] == ["stdin", "news"]
