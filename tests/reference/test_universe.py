from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import ColumnError, InputError
from streams.reference.universe import builtin_universe, load_universe, parse_universe

ROOT = Path(__file__).resolve().parents[2]
HEADER = "issuer,name,symbol,mic,currency,shares_per_unit,aliases"
BABA = "BABA,Alibaba,BABA,XNYS,USD,8,Alibaba|Qwen~product"


def read(tmp_path: Path, *lines: str) -> object:
    path = tmp_path / "universe.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_universe(path)


def test_alibaba_has_two_lines_of_one_issuer() -> None:
    universe = builtin_universe()
    alibaba = universe.issuers["BABA"]
    assert [line.listing for line in alibaba.listings] == ["BABA.XNYS", "9988.XHKG"]
    new_york, hong_kong = alibaba.listings
    assert (new_york.currency, new_york.shares_per_unit) == ("USD", 8.0)
    assert (hong_kong.currency, hong_kong.shares_per_unit) == ("HKD", 1.0)
    assert (new_york.isin, alibaba.cik) == ("US01609W1027", "0001577552")
    assert new_york.benchmark == "SPY.XNYS"
    assert {"Alibaba", "Qwen~product", "Taobao~product"} <= set(alibaba.aliases)
    assert universe.listings["BABA.XNYS"] is new_york


def test_the_builtin_universe_is_large_and_consistent() -> None:
    universe = builtin_universe()
    assert len(universe.issuers) >= 70
    assert universe is builtin_universe()
    for key, listing in universe.listings.items():
        assert key == f"{listing.symbol}.{listing.mic}" == listing.listing
        assert listing in universe.issuers[listing.issuer].listings
        assert listing.currency == ("HKD" if listing.mic == "XHKG" else "USD")
    assert all(issuer.aliases for issuer in universe.issuers.values())


def test_no_alias_names_two_issuers() -> None:
    owner: dict[str, str] = {}
    for issuer in builtin_universe().issuers.values():
        for alias in issuer.aliases:
            bare = alias.removesuffix("~product").lower()
            assert owner.setdefault(bare, issuer.issuer) == issuer.issuer, alias


def luhn_holds(isin: str) -> bool:
    digits = "".join(str(int(letter, 36)) for letter in isin)
    doubled = [int(d) * (1 + k % 2) for k, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def test_every_isin_has_its_check_digit() -> None:
    isins = [line.isin for line in builtin_universe().listings.values() if line.isin]
    assert len(isins) > 130
    assert len(set(isins)) == len(isins)
    assert [isin for isin in isins if len(isin) != 12 or not luhn_holds(isin)] == []


def test_symbols_ciks_and_venues_agree_with_the_sec(shared_data: Path) -> None:
    path = shared_data / "E1_reference_tickers" / "sec_company_tickers.csv"
    with path.open(encoding="utf-8") as file:
        sec = {row["ticker"]: row for row in csv.DictReader(file)}
    mic_of = {"NYSE": "XNYS", "Nasdaq": "XNAS"}
    universe = builtin_universe()
    american = [line for line in universe.listings.values() if line.mic != "XHKG"]
    assert len(american) > 90
    for listing in american:
        row = sec[listing.symbol.replace(".", "-")]
        assert universe.issuers[listing.issuer].cik == row["cik"], listing.listing
        assert listing.mic == mic_of[row["exchange"]], listing.listing


@pytest.mark.parametrize("symbol", ["700", "0700", "00700", " 700 "])
def test_hong_kong_codes_may_be_padded(symbol: str) -> None:
    found = builtin_universe().by_symbol(symbol)
    assert found is not None
    assert found.listing == "700.XHKG"
    assert builtin_universe().by_symbol(symbol, "XHKG") is found
    assert builtin_universe().by_symbol(symbol, "XNYS") is None


def test_symbols_may_be_small_and_unknown_ones_are_none() -> None:
    universe = builtin_universe()
    assert universe.by_symbol("baba") is universe.listings["BABA.XNYS"]
    assert universe.by_symbol("BABA", "XNAS") is None
    assert universe.by_symbol("NOSUCH") is None
    assert universe.by_symbol("") is None
    assert universe.by_symbol("000") is None


def test_an_ambiguous_symbol_needs_a_mic() -> None:
    text = f"{HEADER}\nA,Aye,X,XNYS,USD,1,\nB,Bee,X,XNAS,USD,1,\n"
    universe = parse_universe(text, "t.csv")
    assert universe.by_symbol("X") is None
    found = universe.by_symbol("X", "XNAS")
    assert found is not None
    assert found.issuer == "B"


def test_padding_is_dropped_in_hong_kong_only() -> None:
    text = f"{HEADER}\nTENCENT,Tencent,00700,xhkg,hkd,1,\nWULIANGYE,Wuliangye,000858,XSHE,CNY,1,\n"
    universe = parse_universe(text, "t.csv")
    assert list(universe.listings) == ["700.XHKG", "000858.XSHE"]
    assert universe.by_symbol("858") is None
    assert universe.by_symbol("000858") is universe.listings["000858.XSHE"]


def test_rows_of_one_issuer_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text(
        f"\ufeff{HEADER},cik,benchmark\n{BABA},12,SPY.XNYS\n\n"
        "BABA,,9988,XHKG,HKD,1,Qwen~product|Taobao,,\nSPY,SPY ETF,SPY,XNYS,USD,1,,,\n",
        encoding="utf-8",
    )
    universe = load_universe(path)
    alibaba = universe.issuers["BABA"]
    assert alibaba.name == "Alibaba"
    assert alibaba.cik == "12"
    assert alibaba.aliases == ("Alibaba", "Qwen~product", "Taobao")
    assert [line.listing for line in alibaba.listings] == ["BABA.XNYS", "9988.XHKG"]
    assert universe.issuers["SPY"].aliases == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",Alibaba,BABA,XNYS,USD,8,", "empty issuer"),
        ("BABA,Alibaba,,XNYS,USD,8,", "empty symbol"),
        ("BABA,Alibaba,BABA,,USD,8,", "empty mic"),
        ("BABA,Alibaba,9988,XHKG,HKD,eight,", "shares_per_unit 'eight' is not a positive"),
        ("BABA,Alibaba,9988,XHKG,HKD,0,", "shares_per_unit '0'"),
        ("BABA,Alibaba,9988,XHKG,HKD,-1,", "shares_per_unit '-1'"),
        ("BABA,Alibaba,9988,XHKG,HKD,inf,", "shares_per_unit 'inf'"),
        ("BABA,Alibaba,9988,XHKG,HKD,nan,", "shares_per_unit 'nan'"),
        ("BABA,Alibaba,9988,XHKG,HKD,,", "shares_per_unit ''"),
        (BABA, "duplicate listing BABA.XNYS"),
        ("BABA,Ali Baba,9988,XHKG,HKD,1,", "two names: 'Alibaba' and 'Ali Baba'"),
        ("BABA,Alibaba,9988,XHKG,HKD", "5 cells where the header has 7"),
        ('BABA,"Alibaba,9988,XHKG,HKD,1,', "not CSV"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=r"universe\.csv:3: ") as caught:
        read(tmp_path, HEADER, BABA, row)
    assert message in str(caught.value)


def test_a_benchmark_must_be_a_listing_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"universe\.csv:2: benchmark 'SPY\.XNYS' is not"):
        read(tmp_path, HEADER + ",benchmark", BABA + ",SPY.XNYS")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="no column 'mic'") as caught:
        read(tmp_path, "issuer,name,symbol,currency,shares_per_unit,aliases")
    assert caught.value.column == "mic"


def test_an_unknown_or_repeated_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown column 'isni'"):
        read(tmp_path, HEADER + ",isni", BABA + ",US01609W1027")
    with pytest.raises(InputError, match="column 'isin' appears twice"):
        read(tmp_path, HEADER + ",isin,isin", BABA + ",a,b")


def test_a_file_without_listings_or_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no listing"):
        read(tmp_path, HEADER)
    with pytest.raises(ColumnError):
        parse_universe("", "empty.csv")
    with pytest.raises(InputError, match="cannot be read"):
        load_universe(tmp_path / "absent.csv")
    (tmp_path / "utf16.csv").write_bytes(HEADER.encode("utf-16"))
    with pytest.raises(InputError, match="cannot be read"):
        load_universe(tmp_path / "utf16.csv")


def test_the_tables_are_found_from_any_folder(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r});"
        "from streams.reference.universe import builtin_universe as u;"
        "from streams.reference.calendars import calendar_for as c;"
        "from streams.reference.sources import tier_of as t;"
        "print('BABA.XNYS' in u().listings, c('XHKG').name, t('reuters'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "XHKG", "wire"]
