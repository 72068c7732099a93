"""Joining and ordering tick rows."""

from __future__ import annotations

import numpy as np

from streams.prices.rows import COLUMNS, Rows, concat, sort_by_known


def trades(listing: str, times: list[int], exchange: str = "") -> Rows:
    ns, count = np.array(times, np.int64), len(times)
    price = ns * 10
    return Rows(
        listing=np.zeros(count, np.int32), known_ns=ns, ts_ns=ns, start_ns=ns, price=price,
        open=price, high=price, low=price, size=np.ones(count, np.int64),
        flags=np.zeros(count, np.int32),
        exchange=np.full(count, int(bool(exchange)), np.int32),
        listings=(listing,), exchanges=("", exchange) if exchange else ("",),
        unknown_conditions={"?": count},
    )  # fmt: skip


def names(rows: Rows) -> list[tuple[str, str, int]]:
    return [
        (rows.listings[listing], rows.exchanges[exchange], int(ts_ns))
        for listing, exchange, ts_ns in zip(rows.listing, rows.exchange, rows.ts_ns, strict=True)
    ]


def test_concat_renumbers_names_and_keeps_order() -> None:
    rows = concat([trades("B", [1, 4], "Q"), trades("A", [2]), trades("B", [3], "N")])
    assert rows.listings == ("B", "A")
    assert rows.exchanges == ("", "Q", "N")
    assert names(rows) == [("B", "Q", 1), ("B", "Q", 4), ("A", "", 2), ("B", "N", 3)]
    assert rows.unknown_conditions == {"?": 4}


def test_columns_that_are_one_array_stay_one() -> None:
    rows = sort_by_known(concat([trades("A", [3, 1]), trades("B", [2])]))
    assert rows.ts_ns.tolist() == [1, 2, 3]
    assert rows.known_ns is rows.ts_ns is rows.start_ns
    assert rows.price is rows.open is rows.high is rows.low


def test_equal_times_keep_file_order_and_order_costs_nothing_when_given() -> None:
    rows = concat([trades("A", [5, 7]), trades("B", [5, 7])])
    assert names(sort_by_known(rows)) == [("A", "", 5), ("B", "", 5), ("A", "", 7), ("B", "", 7)]
    ordered = trades("A", [1, 1, 2])
    assert sort_by_known(ordered) is ordered


def test_nothing_joined_is_no_rows() -> None:
    rows = concat([])
    assert (len(rows), rows.listings, rows.exchanges) == (0, (), ("",))
    assert {getattr(rows, column).dtype.kind for column in COLUMNS} == {"i"}
    assert len(sort_by_known(rows)) == 0
