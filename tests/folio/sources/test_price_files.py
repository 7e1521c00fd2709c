"""Price history files: a layout is recognised or refused, never guessed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from folio.errors import PayloadError
from folio.sources import fund_files, price_files
from folio.sources.landing import Load

TABLE = b"Ticker,Date,Open,High,Low,Close,Volume,Adj Close\n"
PLAIN = b"date,open,high,low,close,volume,dividend,split\n"


def test_a_file_without_header_is_read_only_as_what_it_is_declared() -> None:
    body = b"19980102 00:00,136300,162500,135000,162500,6315000\n19980105 00:00,x,1,1,1,1\n"
    with pytest.raises(PayloadError, match="declare the layout"):
        price_files.read(body)
    file = price_files.read(body, "lean equity")
    assert (file.basis, file.bars[0].close) == ("as traded", Decimal("16.25"))
    assert [one.line for one in file.rejected] == [2]


def test_bars_as_traded_land_and_faulty_ones_are_rejected(load_at: Callable[..., Load]) -> None:
    body = (
        TABLE
        + b"AAPL,2000-03-01,118.56,132.06,118.5,130.31,9616100,4.18\nAAPL,2000-03-02,1,1,1,2,1,1\nAAPL\n"
    )
    batch = price_files.parser("a folder")(body, load_at(2020, 1, 1))
    assert list(batch.rows) == [  # type: ignore[arg-type]
        (
            date(2000, 3, 1), "a folder", "AAPL", Decimal("118.56"), Decimal("132.06"), Decimal("118.5"),
            Decimal("130.31"), Decimal(9616100), 2,
        )
    ]  # fmt: skip
    assert [one.line for one in batch.rejected] == [4, 3]


@pytest.mark.parametrize(
    ("closes", "basis"),
    [(("70", "35"), "as traded"), (("35", "35.5"), "restated for splits")],
)
def test_the_splits_that_a_file_tells_say_its_basis(closes: tuple[str, str], basis: str) -> None:
    rows = [
        f"2012-08-1{n},{c},{c},{c},{c},1,0.0,{s}\n"
        for n, c, s in zip((0, 3), closes, ("1.0", "2.0"), strict=True)
    ]
    assert price_files.read(PLAIN + "".join(rows).encode()).basis == basis


def test_a_file_that_tells_no_split_says_no_basis_and_does_not_land(load_at: Callable[..., Load]) -> None:
    body = PLAIN + b"2012-08-10,1,1,1,1,1,0.0,1.0\n"
    with pytest.raises(PayloadError, match="prices not said: not a price basis"):
        price_files.parser("a folder", "KO")(body, load_at(2020, 1, 1))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"Date,AAPL,MSFT\n2020-01-01,1,2\n", "closes only"),
        (b"Date,Open,High,Low,Close,Mood\n", "columns that no layout has: mood"),
        (b"a,b\n", "not the header of a price file"),
        (b"isin,nav\n", "NAVs without a day"),
        (b"Date,Open,High,Low,Close\n1/2/2020,1,1,1,1\n", "read in two ways"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        price_files.read(body)


def test_days_and_months_are_told_apart_by_a_day_above_twelve() -> None:
    header = b"Date,Open,High,Low,Close\n"
    american = price_files.read(header + b"1/2/2020,1,1,1,1\n1/31/2020,1,1,1,1\n")
    assert [bar.at.date() for bar in american.bars] == [date(2020, 1, 2), date(2020, 1, 31)]
    british = price_files.read(header + b"1/2/2020,1,1,1,1\n31/1/2020,1,1,1,1\n")
    assert [bar.at.date() for bar in british.bars] == [date(2020, 2, 1), date(2020, 1, 31)]


def test_nav_histories_name_their_day_and_scheme(load_at: Callable[..., Load]) -> None:
    body = b"scheme_code,date,nav\n100119,2015-12-07,128.831\n100119,2015-12-08,N.A.\nx,2015-12-08,1\n"
    batch = fund_files.parse_navs(body, load_at(2020, 1, 1))
    assert list(batch.rows) == [(date(2015, 12, 7), 100119, "128.831", 2)]  # type: ignore[arg-type]
    assert [one.line for one in batch.rejected] == [3, 4]


def test_an_isin_of_two_schemes_is_nobodys_alias() -> None:
    body = (
        b"name,isin,amfi_code,type\nA,INF179K01319,1,EQUITY\nB,INF179K01319,2,EQUITY\nC,INF179K01327,3,DEBT\n"
    )
    found = fund_files.read_isin_schemes(body)
    assert found.aliases() == {"INF179K01327": 3}
