"""The same export again, in another order, cut in two, or grown: the ledger that comes of them is one."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from folio.books.known import Alias, Known
from folio.books.reading import Reading, read

KNOWN = Known(
    accounts={"A1": "USD"},
    instruments=frozenset({"share-x", "share-y", "coin-x"}),
    aliases={
        ("ticker", "X"): (Alias("share-x", date(2000, 1, 1), None),),
        ("ticker", "Y"): (Alias("share-y", date(2000, 1, 1), None),),
        ("coin", "XTZ"): (Alias("coin-x", date(2000, 1, 1), None),),
    },
)
Ledger = dict[object, tuple[object, ...]]

days = st.integers(1, 4).map(lambda day: f"2024-01-0{day}")
plain_rows = st.lists(
    st.tuples(days, st.sampled_from(["BUY", "SELL"]), st.sampled_from("XY"), st.integers(1, 2), st.just(10)),
    max_size=12,
)
instants = st.integers(0, 5).map(lambda hour: f"2024-01-01 0{hour}:00:00")
timed_rows = st.lists(st.tuples(instants, st.sampled_from(["buy", "sell"]), st.integers(1, 2)), max_size=10)


def plain(rows: Sequence[tuple[object, ...]]) -> Reading:
    """Reading of an export that tells days only and gives no ids."""
    lines = "".join(
        f"{day},{action},{symbol},{size},{price},0,USD\n" for day, action, symbol, size, price in rows
    )
    return read(f"date,action,symbol,quantity,price,fees,currency\n{lines}".encode(), KNOWN, account="A1")


def timed(rows: Sequence[tuple[object, ...]]) -> Reading:
    """Reading of an export that tells instants and gives no ids."""
    lines = "".join(f"{at},XTZ-USD,{side},2,{size},{2 * int(str(size))},0,USD\n" for at, side, size in rows)
    header = "tradeCreatedAt,symbol,side,price,size,funds,fee,feeCurrency\n"
    return read(f"{header}{lines}".encode(), KNOWN, account="A1")


def ledger(*readings: Reading) -> Ledger:
    """Versions that landing these one after the other leaves, by key."""
    return {row.values[0]: row.values for reading in readings for row in reading.accepted}


@given(data=st.data(), rows=plain_rows)
def test_rows_in_another_order_are_the_same_transactions(
    data: st.DataObject, rows: list[tuple[object, ...]]
) -> None:
    again = data.draw(st.permutations(rows))
    assert ledger(plain(again)) == ledger(plain(rows)) == ledger(plain(rows), plain(again))
    assert len(ledger(plain(rows))) == len(rows)


@given(rows=plain_rows, upto=days, since=days)
def test_exports_that_overlap_by_days_add_nothing_twice(
    rows: list[tuple[object, ...]], upto: str, since: str
) -> None:
    upto, since = max(upto, since), min(upto, since)
    first = [row for row in rows if str(row[0]) <= upto]
    second = [row for row in rows if str(row[0]) >= since]
    assert ledger(plain(first), plain(second)) == ledger(plain(rows))


@given(rows=timed_rows, upto=instants, since=instants)
def test_exports_that_overlap_within_a_day_add_nothing_twice_where_instants_are_told(
    rows: list[tuple[object, ...]], upto: str, since: str
) -> None:
    upto, since = max(upto, since), min(upto, since)
    first = [row for row in rows if str(row[0]) <= upto]
    second = [row for row in rows if str(row[0]) >= since]
    assert ledger(timed(first), timed(second)) == ledger(timed(rows))
    assert len(ledger(timed(rows))) == len(rows)


def test_two_equal_trades_of_a_day_stay_two() -> None:
    row = ("2024-01-02", "BUY", "X", 1, 10)
    reading = plain([row, row])
    amounts = [r.values[reading.row.columns.index("amount")] for r in reading.accepted]
    assert (len(ledger(reading)), amounts) == (2, [Decimal(10), Decimal(10)])


def test_a_row_with_an_id_that_comes_again_is_a_new_version_of_it() -> None:
    def order(funds: str) -> Reading:
        header = (
            "Date,Transaction Type,BTC Amount,Fiat Amount (excl. fees),Fiat Currency,Fee,Fee Currency,"
            "Operation ID"
        )
        line = f"2024-07-22T09:41:06Z,Buy,1,{funds},CHF,2,CHF,op-1"
        known = Known(
            accounts={"A1": "CHF"},
            instruments=frozenset({"btc"}),
            aliases={("coin", "BTC"): (Alias("btc", date(2000, 1, 1), None),)},
        )
        return read(f"{header}\n{line}\n".encode(), known, account="A1")

    first, corrected = order("100"), order("101")
    assert ledger(first).keys() == ledger(corrected).keys()
    assert ledger(first) != ledger(corrected)
