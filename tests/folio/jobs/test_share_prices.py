"""Further providers of share prices against a real sandbox and warehouse: who is asked, what lands."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from folio.errors import LoadError
from folio.jobs import backfill, share_prices
from folio.settings import settings
from folio.sources import landing
from folio.sources.landing import Ask, Batch, Load
from folio.sources.payloads import Payload
from folio.sources.sandbox import Fault, Sandbox
from folio.sources.sandbox.demo import DemoData
from folio.store import warehouse as warehouse_module

NIGHT = "2013-02-28T0300Z"
DEMO = {
    "schemes.csv": "scheme_code,isin,scheme_name,category,fund_house\n"
    "900001,INF000A01011,Demo Growth Fund,Equity Scheme - Flexi Cap Fund,Folio Demo\n",
    "navs.csv": "scheme_code,nav_date,nav\n900001,2013-01-31,100\n900001,2013-02-26,101.2500\n",
    "prices.csv": "ticker,session_date,open,high,low,close,volume\n"
    "AAPL,2013-02-26,443.82,451.54,437.66,448.97,17870800\nIBM,2013-02-26,198.63,199.62,198.0,199.14,2720000\n"
    "AAPL,2013-02-27,448.43,452.44,440.65,444.57,20976800\n"
    "UNIT,2013-02-21,50,51,49,50,10\nUNIT,2013-02-22,50,51,49,50,10\nUNIT,2013-02-25,0.5,0.51,0.49,0.5,0\n"
    "UNIT,2013-02-26,50,51,49,50,10\nUNIT,2013-02-27,50,51,49,50,10\n",
    "splits.csv": "ticker,execution_date,split_from,split_to\nAAPL,2013-02-27,1,2\n",
    "dividends.csv": "ticker,ex_date,cash_amount\nAAPL,2013-02-26,2.65\nIBM,2013-05-08,0.95\n",
}
Rows = Callable[[str], list[Any]]
Named = Callable[..., None]


@pytest.fixture
def sandbox(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox over a few rows, at which the settings point."""
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in DEMO.items():
        (folder / name).write_text(text)
    with Sandbox(folder) as running:
        for provider in ("AMFI", "MFAPI", "POLYGON", "YAHOO", "ALPHAVANTAGE"):
            monkeypatch.setenv(f"FOLIO_{provider}_URL", running.url)
        for name, value in {
            "POLYGON_KEY": "pk3y",
            "ALPHAVANTAGE_KEY": "s3cretkey",
            "RECORDED": "true",
            "HTTP_ATTEMPTS": "1",
            "HTTP_BACKOFF_SECONDS": "0",
        }.items():
            monkeypatch.setenv(f"FOLIO_{name}", value)
        settings.cache_clear()
        yield running


@pytest.fixture
def rows(warehouse: str) -> Rows:
    """Runs a query on the warehouse."""

    def fetch(query: str) -> list[Any]:
        with warehouse_module.connect(warehouse) as connection:
            return connection.execute(query).fetchall()

    return fetch


@pytest.fixture
def named(warehouse: str, tmp_path: Path) -> Named:
    """Lands aliases of a scheme, each naming an instrument from the first of 2013 on."""

    def land(scheme: str, *names: str) -> None:
        def parse(body: bytes, load: Load) -> Batch:
            rows = [
                (scheme, name, date(2013, 1, 1), None, f"{name}-key", False, line)
                for line, name in enumerate(names, start=1)
            ]
            return Batch("book_instrument_aliases", rows)

        with warehouse_module.connect(warehouse) as connection:
            landing.take_in(
                connection,
                Ask("books", "aliases", f"{scheme} {names}", None, "a file"),
                lambda: Payload(f"{scheme} {names}".encode(), datetime(2013, 1, 1, tzinfo=UTC)),
                parse,
                folder=settings().payload_folder,
            )

    return land


def brief(loads: list[Load]) -> list[tuple[str, str, str, int]]:
    return [(f"{load.source}/{load.dataset}", load.slot, load.status, load.rows_seen) for load in loads]


def test_a_provider_that_no_instrument_needs_is_not_asked(sandbox: Sandbox, rows: Rows) -> None:
    assert share_prices.yahoo_bars(NIGHT) == share_prices.alphavantage_bars(NIGHT) == []
    assert share_prices.polygon_facts(NIGHT) == []
    assert sandbox.requests == []
    assert rows("select count(*) from ops.check_results") == [(0,)]


def test_yahoos_bars_land_as_it_restates_them_with_its_splits_and_dividends(
    sandbox: Sandbox, named: Named, rows: Rows
) -> None:
    named("yahoo", "AAPL")
    slot = "AAPL 2013-02-28T03:00Z"
    assert brief(share_prices.yahoo_bars(NIGHT)) == [
        ("yahoo/daily_bars", slot, "loaded", 2),
        ("yahoo/dividends", slot, "loaded", 1),
        ("yahoo/splits", slot, "loaded", 1),
        ("yahoo/price_repairs", slot, "loaded", 2),
    ]
    assert rows(
        "select session_date::text, symbol, close::float, volume::int, currency"
        " from raw.yahoo_daily_bars order by 1"
    ) == [("2013-02-26", "AAPL", 224.485, 35741600, "USD"), ("2013-02-27", "AAPL", 444.57, 20976800, "USD")]
    assert rows("select ex_date::text, amount::float from raw.yahoo_dividends") == [("2013-02-26", 1.325)]
    assert rows("select split_date::text, numerator::int, denominator::int from raw.yahoo_splits") == [
        ("2013-02-27", 2, 1)
    ]


def test_a_backfill_asks_for_every_instrument_that_the_books_name(sandbox: Sandbox, named: Named) -> None:
    named("yahoo", "AAPL", "IBM")
    named("amfi", "900001")
    assert backfill.months("mfapi", "2012-01-01", "2013-02-26") == ["2012-01"]
    loads = [
        load
        for source in ("yahoo", "mfapi")
        for month in backfill.months(source, "2013-01-15", "2013-02-26")
        for load in backfill.backfill_month(source, month, "2013-01-15", "2013-02-26")
    ]
    assert {load.status for load in loads} == {"loaded"}
    assert [(load.source, load.slot) for load in loads if load.dataset in ("daily_bars", "history")] == [
        ("yahoo", "AAPL 2013-01-15..2013-01-31"),
        ("yahoo", "IBM 2013-01-15..2013-01-31"),
        ("yahoo", "AAPL 2013-02-01..2013-02-26"),
        ("yahoo", "IBM 2013-02-01..2013-02-26"),
        ("mfapi", "900001 2013-01-15..2013-02-26"),
    ]


def test_a_night_run_again_asks_nothing_again(sandbox: Sandbox, named: Named) -> None:
    named("yahoo", "AAPL")
    share_prices.yahoo_bars(NIGHT)
    asked = len(sandbox.requests)
    assert all(load.repeated for load in share_prices.yahoo_bars(NIGHT))
    assert len(sandbox.requests) == asked


def test_a_symbol_at_fault_does_not_stop_the_others(sandbox: Sandbox, named: Named) -> None:
    named("yahoo", "AAPL", "GONE")
    named("alphavantage", "GONE", "IBM")
    loads = share_prices.yahoo_bars(NIGHT) + share_prices.alphavantage_bars(NIGHT)
    assert [(load.slot.split()[0], load.dataset, load.status) for load in loads] == [
        ("AAPL", "daily_bars", "loaded"),
        ("AAPL", "dividends", "loaded"),
        ("AAPL", "splits", "loaded"),
        ("AAPL", "price_repairs", "loaded"),
        ("GONE", "daily_bars", "failed"),
        ("GONE", "daily_bars", "failed"),
        ("IBM", "daily_bars", "loaded"),
    ]
    assert "may be delisted" in str(loads[4].reason)
    assert "Invalid API call" in str(loads[5].reason)


def test_a_defect_of_a_chart_is_a_finding_with_its_repair_beside_what_was_said(
    sandbox: Sandbox, named: Named, rows: Rows
) -> None:
    named("yahoo", "UNIT", "IBM")
    share_prices.yahoo_bars(NIGHT)
    share_prices.yahoo_bars(NIGHT)
    ((check, subject, observed, note),) = rows(
        "select check_name, subject, observed, note from ops.check_results"
        " where status = 'warned' and subject like 'yahoo %'"
    )
    assert (check, subject) == ("price in another unit", "yahoo UNIT")
    assert observed == "2013-02-25 to 2013-02-25, multiplied by 100"
    assert "raw.yahoo_daily_bars keeps what was said" in note
    assert rows(
        "select session_date::text, close::float, price_factor::float, reason like 'price in another unit: %'"
        " from raw.yahoo_daily_bars join raw.yahoo_price_repairs using (session_date, symbol)"
        " where symbol = 'UNIT' and price_factor <> 1"
    ) == [("2013-02-25", 0.5, 100, True)]
    assert rows("select count(*) from raw.yahoo_price_repairs where symbol = 'UNIT'") == [(5,)]


def test_a_repair_ends_when_a_later_chart_is_right(
    sandbox: Sandbox, named: Named, rows: Rows, tmp_path: Path
) -> None:
    named("yahoo", "UNIT")
    share_prices.yahoo_bars(NIGHT)
    prices = tmp_path / "mended"
    prices.mkdir()
    for name, text in DEMO.items():
        (prices / name).write_text(text.replace("0.5,0.51,0.49,0.5,0", "50,51,49,50,0"))
    sandbox.archive = DemoData(prices)
    share_prices.yahoo_bars("2013-03-01T0300Z")
    assert rows(
        "select price_factor::int, reason is null from raw.yahoo_price_repairs"
        " where symbol = 'UNIT' and session_date = '2013-02-25' order by observed_at"
    ) == [(100, False), (1, True)]


def test_the_key_of_alpha_vantage_travels_and_is_kept_nowhere(
    sandbox: Sandbox, named: Named, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    named("alphavantage", "IBM", "GONE")
    share_prices.alphavantage_bars(NIGHT)
    assert "apikey=s3cretkey" in sandbox.requests[0][0]
    assert rows("select session_date::text, symbol, close::float from raw.alphavantage_daily_bars") == [
        ("2013-02-26", "IBM", 199.14)
    ]
    kept = str(rows("select * from raw.loads")) + caplog.text
    assert "s3cretkey" not in kept
    assert not any(b"s3cretkey" in path.read_bytes() for path in settings().payload_folder.rglob("*.gz"))


def test_a_needed_provider_without_its_key_is_a_finding(
    sandbox: Sandbox, named: Named, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    named("alphavantage", "IBM")
    monkeypatch.delenv("FOLIO_ALPHAVANTAGE_KEY")
    settings.cache_clear()
    assert share_prices.alphavantage_bars(NIGHT) == []
    assert rows("select check_name, subject, expected from ops.check_results where status = 'warned'") == [
        ("source on", "alphavantage", "FOLIO_ALPHAVANTAGE_KEY set")
    ]


def test_polygons_dividends_come_nightly_and_its_tickers_once_a_month(
    sandbox: Sandbox, named: Named, rows: Rows
) -> None:
    named("ticker", "AAPL")
    assert brief(share_prices.polygon_facts(NIGHT)) == [
        ("polygon/dividends", "2013-02-28T03:00Z", "loaded", 2),
        ("polygon/tickers", "2013-02", "loaded", 3),
        ("polygon/delisted_tickers", "2013-02", "loaded", 0),
        ("polygon/ticker_details", "AAPL 2013-02", "loaded", 1),
    ]
    again = share_prices.polygon_facts("2013-03-01T0300Z")
    assert [load.repeated for load in again] == [False, True, True, True]
    assert rows("select ticker, cash_amount::float, currency from raw.polygon_dividends order by 1") == [
        ("AAPL", 2.65, "USD"),
        ("IBM", 0.95, "USD"),
    ]
    assert rows("select ticker, type, active from raw.polygon_tickers order by 1") == [
        ("AAPL", "CS", True),
        ("IBM", "CS", True),
        ("UNIT", "CS", True),
    ]
    assert rows("select ticker, name from raw.polygon_ticker_details") == [("AAPL", "AAPL Inc.")]


def test_histories_of_one_instrument_are_assumed_known_from_their_days_on(
    sandbox: Sandbox, rows: Rows
) -> None:
    first, last = date(2013, 1, 1), date(2013, 2, 27)
    loads = [
        *share_prices.history("polygon", "IBM", first, last),
        *share_prices.history("mfapi", "900001", first, last),
        *share_prices.history("yahoo", "AAPL", first, last),
        *share_prices.history("alphavantage", "AAPL", first, last),
    ]
    assert {load.status for load in loads} == {"loaded"}
    assert {load.known_basis for load in loads} == {"assumed"}
    assert rows("select nav_date::text, nav::float, observed_at::text from raw.amfi_navs order by 1") == [
        ("2013-01-31", 100.0, "2013-02-01 03:00:00+00"),
        ("2013-02-26", 101.25, "2013-02-27 03:00:00+00"),
    ]
    assert rows("select ticker, close::float, observed_at::text from raw.polygon_daily_bars") == [
        ("IBM", 199.14, "2013-02-27 03:00:00+00")
    ]


def test_a_scheme_that_mfapi_does_not_know_fails_its_load(sandbox: Sandbox) -> None:
    (load,) = share_prices.history("mfapi", "123456", date(2013, 1, 1), date(2013, 2, 1))
    assert load.status == "failed"
    assert "scheme None" in str(load.reason)
    with pytest.raises(LoadError, match="gives no history"):
        share_prices.history("ecb", "USD", date(2013, 1, 1), date(2013, 2, 1))


@pytest.mark.parametrize("kind", ["html", "500", "cut", "one_byte", "error_status"])
def test_every_fault_ends_in_a_failed_load(sandbox: Sandbox, named: Named, kind: Any, rows: Rows) -> None:
    named("yahoo", "AAPL")
    sandbox.faults.switch_on(Fault("/v8/", kind))
    (load,) = share_prices.yahoo_bars(NIGHT)
    assert load.status == "failed"
    assert rows("select count(*) from raw.yahoo_daily_bars") == [(0,)]
