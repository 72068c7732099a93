from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.config.newsquake import NewsquakeFile, RuleSpec, load_config
from agents.config.replay import config_id, load_replay, paths_of
from agents.config.toml import load_toml
from agents.reacting.config import Rule
from streams.errors import ConfigError, UsageError

REPLAY = """\
# a comment, then a blank line

[replay]
name = "us-2007-01"
universe = "universe.csv"
benchmark = "SPY.XNYS"

[[headlines]]
path = "headlines.jsonl"
columns = { id = "id", published = "published_at", title = "title" }
delay_s = 0
precision = "minute"

[[prices]]
path = "prices_1m.csv"
columns = { symbol = "ticker", time = "ts", price = "price" }
mic = "XNYS"
bar = { seconds = 60, stamp = "start" }

[[prices]]
path = "ticks/*.parquet"
symbol = "AIG"
mic = "XNYS"

[prices.columns]
time = "ts"
price = "price"
size = "size"
conditions = "cond"
exchange = "ex"

[[prices]]
path = "more.csv"
columns = { symbol = "ticker", time = "ts", price = "price" }

[[daily]]
path = "daily.csv"
columns = { symbol = "ticker", date = "date", close = "close", split = "split" }
""".replace('mic = "XNYS"\n\n[prices', 'mic = "XNYS"\nconditions_format = "cta"\n\n[prices')


def replay(folder: Path, text: str = REPLAY) -> Path:
    (folder / "replay.toml").write_text(text)
    return folder


def fault_of(folder: Path, text: str) -> str:
    """Return the message of the fault in `text`, without the folder's name."""
    with pytest.raises(ConfigError) as caught:
        load_replay(replay(folder, text))
    return str(caught.value).removeprefix(f"{folder}/")


def changed(old: str, new: str) -> str:
    assert REPLAY.count(old) == 1, old
    return REPLAY.replace(old, new)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_replay_file_of_the_design_is_read(tmp_path: Path) -> None:
    file = load_replay(replay(tmp_path))
    assert file.replay.name == "us-2007-01"
    assert file.replay.benchmark == "SPY.XNYS"
    assert [spec.path for spec in file.headlines] == ["headlines.jsonl"]
    assert [spec.path for spec in file.prices] == ["prices_1m.csv", "ticks/*.parquet", "more.csv"]
    assert file.prices[0].bar
    assert (file.prices[0].bar.seconds, file.prices[0].bar.stamp) == (60, "start")
    assert file.prices[1].columns["conditions"] == "cond"
    assert (file.daily[0].columns.split, file.daily[0].columns.dividend) == ("split", None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[replay]",
            "[[heedlines]]\n[replay]",
            'unknown key "heedlines"; did you mean "headlines"',
        ),
        ("[[daily]]", "[[nightly]]", 'unknown key "nightly"; valid: replay, headlines, prices, d'),
        ("universe =", "univers =", 'unknown key "univers" in [replay]; did you mean "universe"? '),
        ("delay_s =", "delay =", 'unknown key "delay" in [[headlines]] #1; did you mean "delay_s'),
        (
            'symbol = "AIG"',
            'symbl = "AIG"',
            'unknown key "symbl" in [[prices]] #2; did you mean "s',
        ),
        ("stamp =", "stmp =", 'unknown key "stmp" in [[prices]] #1, bar; did you mean "stamp"? '),
        ('split = "', 'splits = "', 'key "splits" in [[daily]] #1, columns; did you mean "split"?'),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_valid_ones(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = changed(old, new)
    fault = fault_of(tmp_path, text)
    assert message in fault
    assert fault.startswith(f"replay.toml:{line_of(text, new)}: ")
    assert "valid: " in fault


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("delay_s = 0", 'delay_s = "x"', "delay_s", 'key "delay_s" in [[headlines]] #1: Expected'),
        ('"minute"', '"minit"', "precision", '"minit" is not known; did you mean "minute"? valid:'),
        ('stamp = "start"', 'stamp = "middle"', "bar =", "valid: end, start"),
        (
            "seconds = 60",
            "seconds = 0",
            "bar =",
            'key "seconds" in [[prices]] #1, bar: it is 0; it must be 1 to 86400',
        ),
        ('name = "us-2007-01"\n', "", "[replay]", 'missing key "name" in [replay]; required keys:'),
        ('path = "more.csv"\n', "", "[[prices]]\ncol", 'missing key "path" in [[prices]] #3; req'),
        (
            'price = "price" }\nmic',
            'prize = "p" }\nmic',
            "columns = { symbol",
            "key \"columns\" in [[prices]] #1: there is no 'prize'; there are symbol, mic, time",
        ),
        ('"SPY.XNYS"', '"SPY"', "benchmark", '"benchmark" in [replay]: "SPY" is no listing; write'),
        ('"us-2007-01"', '" "', "name", 'key "name" in [replay]: it is empty'),
        (', close = "close", split = "split"', "", 'columns = { symbol = "ticker", date', "at l"),
        ('{ symbol = "ticker", date', "{ date", "[[daily]]", "give either it or columns.symbol"),
        ('"more.csv"', '"more.csv', 'path = "more.csv', "not TOML: "),
        ("[[daily]]", "[daily]", "[daily]", 'key "daily": Expected `array`, got `object`'),
    ],
)
def test_a_bad_value_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: str, message: str
) -> None:
    text = changed(old, new)
    fault = fault_of(tmp_path, text)
    assert message in fault
    assert fault.startswith(f"replay.toml:{line_of(text, line)}: ")


def test_a_missing_table_is_told_without_a_line(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, '[[headlines]]\npath = "feed.xml"\n')
    assert fault == 'replay.toml: missing key "replay"; required keys: replay'


def test_nothing_to_replay_is_told(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, '[replay]\nname = "empty"\n')
    assert fault.startswith('replay.toml:1: key "replay": there is nothing to replay; add [[')


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[replay]\nname = "\xff"\n', ":2: not UTF-8"),
        (b"[replay]\nname = [1,\n", ":3: not TOML: "),
        (b"[replay]\nname = 1\nname = 2\n", ":3: not TOML: "),
    ],
)
def test_what_is_no_toml_is_told(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "replay.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=re.escape("replay.toml") + message):
        load_replay(tmp_path)


def test_windows_files_are_read_alike(tmp_path: Path) -> None:
    text = changed("delay_s =", "delay =").replace("\n", "\r\n")
    (tmp_path / "replay.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    with pytest.raises(ConfigError, match=r"replay\.toml:11: unknown key"):
        load_replay(tmp_path)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 0
    note: str = ""


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    part: Part | None = None
    parts: list[Part] = []
    words: dict[str, str] = {}
    a: dict[str, list[Part]] = {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("part.size = 1\npart.note = 2\n", 2),  # dotted keys
        ('["part"]\n"note" = 2\n', 2),  # quoted keys
        ("[part]\nnote = '''\nsize = 7\n[parts]\n'''\nsize = 'x'\n", 6),  # no keys: a long text
        ('parts = [\n  { size = 1 },\n  { size = "x" },\n]\n', 1),  # arrays written inline
        ("[words]\nx = 'a'\ny = 1\n", 1),  # a free name: msgspec names the table only
        ("[[parts]]\n[[parts]]\nsize = 'x'\n[[parts]]\n", 3),
        ("part = 7", 1),
        ("[[a.a]]\nsize = 1\n[[a.a]]\nsize = 'x'\n", 1),
    ],
)
def test_the_line_is_found_however_a_key_is_written(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "some.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_toml(path, Whole)
    assert caught.value.line == line


def test_a_missing_folder_or_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: no such folder; give the one that holds repl"):
        load_replay(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no replay\.toml in it; write one that names"):
        load_replay(tmp_path)
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load_config(tmp_path / "gone.toml")


def test_paths_are_relative_sorted_and_may_be_patterns(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "a[1].csv", "deep/er/c.csv", "x.txt"):
        path = tmp_path / "in[put]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder = tmp_path / "in[put]"

    def names(pattern: str) -> list[str]:
        return [path.resolve().relative_to(folder).as_posix() for path in paths_of(folder, pattern)]

    assert names("a.csv") == ["a.csv"]
    assert names("*.csv") == ["a.csv", "a[1].csv", "b.csv"]
    assert names("a[1].csv") == ["a[1].csv"]
    assert names("[ab].csv") == ["a.csv", "b.csv"]
    assert names("**/*.csv") == ["a.csv", "a[1].csv", "b.csv", "deep/er/c.csv"]
    assert names("deep/../b.csv") == ["b.csv"]
    assert names(str(folder / "x.txt")) == ["x.txt"]
    assert paths_of(tmp_path / "elsewhere", str(tmp_path / "in*" / "b.csv")) == [folder / "b.csv"]


@pytest.mark.parametrize("pattern", ["none.csv", "*.parquet", "", "sub"])
def test_a_path_without_a_file_is_told(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(ConfigError) as caught:
        paths_of(tmp_path, pattern)
    assert f'replay.toml: path = "{pattern}" names no file' in str(caught.value)


def test_without_a_configuration_the_built_in_rule_applies() -> None:
    assert load_config(None).engine_rules() == (Rule(),)


RULES = """\
[[rules]]
name = "big"
kind = "day_move"
levels_pct = [5, 10]
severity = "critical"
listings = ["BABA.XNYS", "9988.XHKG"]

[[rules]]
name = "any"
kind = "day_move"
"""


def test_rules_are_read(tmp_path: Path) -> None:
    path = tmp_path / "newsquake.toml"
    path.write_text(RULES)
    big, every = load_config(path).engine_rules()
    assert big == Rule(
        name="big",
        levels_pct=(5, 10),
        severity="critical",
        listings=("BABA.XNYS", "9988.XHKG"),
    )
    assert every == Rule(name="any")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("[5, 10]", "[10, 5]", 4, '"levels_pct" in [[rules]] #1: [10, 5] must be percents that r'),
        ("[5, 10]", "[5, 5]", 4, "[5, 5] must be percents that rise, within 1 to 99"),
        ("[5, 10]", "[0, 5]", 4, "[0, 5] must be"),
        ("[5, 10]", "[5, 100]", 4, "[5, 100] must be"),
        ("[5, 10]", "[]", 4, "[] must be"),
        ("[5, 10]", "[5.5]", 4, "Expected `int`, got `float`"),
        ('"9988.XHKG"', '"9988"', 6, '"listings" in [[rules]] #1: "9988" is no listing; write SYM'),
        ('"any"', '"big"', 1, 'key "rules": the name "big" is given twice'),
        ('"any"\nkind = "day_move"', '"any"\nkind = "day_mov"', 10, 'did you mean "day_move"?'),
        ('"critical"', '""', 5, 'key "severity" in [[rules]] #1: it is empty'),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = tmp_path / "newsquake.toml"
    path.write_text(RULES.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in str(caught.value)
    assert caught.value.line == line


def test_the_id_of_a_configuration_follows_its_values_alone(tmp_path: Path) -> None:
    first = load_replay(replay(tmp_path))
    again = load_replay(replay(tmp_path, "# moved down\n" + REPLAY))
    other = load_replay(replay(tmp_path, changed("seconds = 60", "seconds = 1")))
    default: Any = NewsquakeFile()
    assert config_id(first, default) == config_id(again, default)
    assert len({config_id(each, default) for each in (first, other)}) == 2
    assert config_id(first) != config_id(first, default)
    rule = RuleSpec(name="day_move", kind="day_move")
    assert config_id(default) == config_id(NewsquakeFile(rules=(rule,)))
