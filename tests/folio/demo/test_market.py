"""The demo market: consistent with itself, the same each time, and what is synthetic is only what is said."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from folio.demo import market as demo


def test_what_is_written_reads_back_as_the_same_market_and_the_same_bytes(tmp_path: Path) -> None:
    there, again = demo.write(tmp_path / "a"), demo.write(tmp_path / "b")
    assert [p.read_bytes() for p in there] == [p.read_bytes() for p in again]
    assert demo.read(tmp_path / "a") == demo.market()


def test_no_close_jumps_like_a_split_except_on_the_synthetic_one() -> None:
    market = demo.market()
    jumps = []
    for ticker in demo.TICKERS:
        closes = [(day, bar.close) for (t, day), bar in sorted(market.bars.items()) if t == ticker]
        jumps += [
            (ticker, day)
            for (_, before), (day, after) in pairwise(closes)
            if not Decimal("0.7") < after / before < Decimal("1.4")
        ]
    assert jumps == [("IBM", date(2012, 6, 4))] == list(market.splits)


def test_the_split_halves_prices_and_doubles_volume_against_the_source() -> None:
    from bokeh_sampledata import stocks

    market = demo.market()
    for day, parts in ((date(2012, 6, 1), 1), (date(2012, 6, 4), 2)):
        place = stocks.IBM["date"].index(day.isoformat())
        bar = market.bars["IBM", day]
        assert bar.close * parts == Decimal(repr(stocks.IBM["close"][place]))
        assert bar.volume == stocks.IBM["volume"][place] * parts


@pytest.mark.parametrize(
    ("ticker", "ex_date", "dividend"),
    [
        ("IBM", date(2009, 2, 6), "0.50"),
        ("IBM", date(2012, 8, 8), "0.425"),  # 0.85 before the split
        ("MSFT", date(2012, 11, 13), "0.23"),
        ("AAPL", date(2012, 8, 9), "2.65"),
    ],
)
def test_dividends_found_in_the_closes_are_those_that_were_paid(
    ticker: str, ex_date: date, dividend: str
) -> None:
    assert demo.market().dividends[ticker, ex_date] == Decimal(dividend)


def test_navs_follow_their_documented_rules() -> None:
    market = demo.market()
    day = date(2012, 10, 1)  # after the split
    start = demo.FIRST_NAV

    def technology(on: date) -> Decimal:
        return 4 * market.price("AAPL", on) + market.price("GOOG", on) + 20 * market.price("MSFT", on)

    growth = technology(day) / technology(start)
    rate = market.exchange("USD", "INR", day) / market.exchange("USD", "INR", start)
    assert market.navs[990001, day] == round(20 * growth * rate, 4)
    years = Decimal((day - start).days) / 365
    assert market.navs[990004, day] == round(1000 * Decimal("1.065") ** years, 4)
    assert {market.navs[fund.code, start] for fund in demo.FUNDS} == {20, 50, 10, 1000}


def test_the_split_moves_no_nav() -> None:
    market = demo.market()
    before, after = (market.navs[demo.LARGE_COMPANIES.code, date(2012, 6, day)] for day in (1, 4))
    assert Decimal("0.95") < after / before < Decimal("1.05")


def test_isins_have_valid_check_digits() -> None:
    for fund in demo.FUNDS:
        digits = "".join(str(int(letter, 36)) for letter in fund.isin)
        total = sum(
            sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits))
        )
        assert total % 10 == 0
