"""Real inputs of funds, equities and their prices, each read through the product to checked values."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from folio.errors import PayloadError, SourceError
from folio.jobs.ingest import parser_of
from folio.settings import Settings
from folio.sources import fund_files, price_files
from folio.sources import observations as recorded
from folio.sources.connectors import amfi
from folio.sources.landing import Batch, Load, TextBlocks, TextColumns
from folio.sources.observations import ObservationFile
from folio.sources.price_files import Declared
from folio.sources.session import ProviderSession
from tests.real_inputs import repair_cases
from tests.real_inputs.expectations import Expectation, body_of, json_of, no_connector_reads, refused

pytestmark = pytest.mark.shared_data

AT = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = Settings(http_attempts=1, http_backoff_seconds=0)


def load_of(slot: str) -> Load:
    """A running load of a slot, observed after all recordings."""
    return Load(
        load_id=uuid.uuid5(uuid.NAMESPACE_DNS, slot), source="", dataset="", slot=slot, attempt=1, night=None,
        request="", status="running", payload_sha256=None, payload_bytes=None, observed_at=AT,
        known_basis="observed", rows_seen=0, rows_new=0, rows_changed=0, rows_same=0, rows_rejected=0,
        reason=None,
    )  # fmt: skip


def rows_of(batch: Batch) -> list[tuple[object, ...]]:
    """Rows of a batch, in order."""
    if isinstance(batch.rows, TextColumns):
        return list(zip(*batch.rows.columns, strict=True))
    assert not isinstance(batch.rows, TextBlocks)
    return list(batch.rows)


def parsed(
    provider: str, dataset: str, slot: str, *, count: int, rejected: int = 0, holds: tuple[object, ...]
) -> Expectation:
    """Expect so many rows and rejected lines through a connector's parser, and one row that begins so."""

    def check(path: Path) -> None:
        batch = parser_of(provider, dataset)(_kept(provider, body_of(path)), load_of(slot))
        rows = rows_of(batch)
        assert (len(rows), len(batch.rejected)) == (count, rejected)
        assert holds in [row[: len(holds)] for row in rows]

    return check


def _kept(provider: str, body: bytes) -> bytes:
    """An answer as the connector keeps it: Polygon's are pages of one document."""
    return b'{"pages":[' + body + b"]}" if provider == "polygon" else body


def complains(provider: str, dataset: str, slot: str, reason: str) -> Expectation:
    """Expect that a connector's parser refuses the body with a reason."""

    def read(path: Path) -> object:
        batch = parser_of(provider, dataset)(_kept(provider, body_of(path)), load_of(slot))
        return rows_of(batch)

    return refused(read, reason)


@contextmanager
def answering(status: int, body: bytes, content_type: str = "application/json") -> Iterator[str]:
    """A real server on loopback that answers everything alike; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def refusal_over_http(status: int, body: bytes) -> str:
    """What the shared HTTP policy says of an answer."""
    with answering(status, body) as url, ProviderSession("provider", url, SETTINGS, key="k3y") as http:
        with pytest.raises(SourceError) as told:
            http.get("/path")
        return str(told.value)


# ---- Polygon -----------------------------------------------------------------------------------------------


def polygon_bars(slot: str, *closes: str) -> Expectation:
    """Expect adjusted bars to be refused, and the same bars to be read once said to be unadjusted."""

    def check(path: Path) -> None:
        said = json_of(path)
        parse = parser_of("polygon", "ticker_bars" if "ticker" in said else "daily_bars")
        with pytest.raises(PayloadError, match="adjusted; Folio takes unadjusted"):
            rows_of(parse(_kept("polygon", body_of(path)), load_of(slot)))
        unadjusted = json.dumps({**said, "adjusted": False}).encode()
        batch = parse(_kept("polygon", unadjusted), load_of(slot))
        assert not batch.rejected
        assert [row[5] for row in rows_of(batch)] == [Decimal(close) for close in closes]

    return check


def polygon_refusals(path: Path) -> None:
    """Each quoted refusal of Polygon says over HTTP what it says."""
    for one in json_of(path):
        told = refusal_over_http(one["http_status"], json.dumps(one["body"]).encode())
        assert f"HTTP {one['http_status']}" in told
        assert (one["body"].get("error") or one["body"]["message"]).split("'")[0] in told


def details_of_apple(path: Path) -> None:
    """Apple's details hold what reference data is filled from."""
    batch = parser_of("polygon", "ticker_details")(_kept("polygon", body_of(path)), load_of("AAPL 2026-10"))
    (row,) = rows_of(batch)
    assert row[:7] == ("AAPL", "Apple Inc.", "stocks", "us", "XNAS", "CS", True)
    assert row[11:15] == ("3571", "ELECTRONIC COMPUTERS", date(1980, 12, 12), None)


POLYGON = "api/polygon/client_python_mocks"
polygon: dict[str, Expectation] = {
    "api/polygon/error_bodies.json": polygon_refusals,
    "api/polygon/real_aggs_AAPL_2023-01-03_2023-01-10.json": polygon_bars(
        "AAPL 2023-01-03..2023-01-10", "125.07", "126.36", "125.02", "129.62", "130.15", "130.73"
    ),
    f"{POLYGON}/v2__aggs__ticker__AAPL__range__1__day__2005-04-01__2005-04-04.json": polygon_bars(
        "AAPL 2005-04-01..2005-04-04", "1.4604", "1.4675"
    ),
    f"{POLYGON}/v2__aggs__ticker__AAPL__range__1__day__2005-04-02__2005-04-04.json": polygon_bars(
        "AAPL 2005-04-01..2005-04-04", "1.4604", "1.4675"
    ),
    f"{POLYGON}/v2__aggs__grouped__locale__us__market__stocks__2005-04-04_adjusted_true.json": polygon_bars(
        "2020-10-14", "10.02"
    ),
    f"{POLYGON}/v3__reference__splits.json": parsed(
        "polygon", "splits", "s", count=10,
        holds=("BRW", date(2022, 5, 20), Decimal(2), Decimal(1)),
    ),
    f"{POLYGON}/v3__reference__tickers_cursor_YWN0aXZlPXRydWUmZGF0ZT0yMDIyLTA0LTI3JmxpbWl0PTImb3JkZXI9YXNjJn"
    "BhZ2VfbWFya2VyPUFBJTdDZjEyMm.json": parsed(
        "polygon", "tickers", "2022-04", count=2,
        holds=("AAA", "BBG00X5FSP48", "AAF First Priority CLO Bond ETF", "stocks", "us", "ARCX", "ETF", True),
    ),
    f"{POLYGON}/v3__reference__tickers__AAPL.json": details_of_apple,
    f"{POLYGON}/v3__reference__tickers__AAPL_date_2020-10-01.json": details_of_apple,
    **{
        f"{POLYGON}/{name}.json": no_connector_reads("polygon", dataset)
        for name, dataset in {
            "v1__conversion__AUD__USD_amount_100_precision_2": "conversion",
            "v1__last__crypto__BTC__USD": "last_crypto",
            "v1__last_quote__currencies__AUD__USD": "last_quote",
            "v1__marketstatus__now": "market_status",
            "v1__open-close__AAPL__2005-04-01_adjusted_true": "open_close",
            "v1__summaries_ticker.any_of_NCLH_2CO_3ANCLH221014C00005000_2CC_3AEURUSD_2CX_3ABTCUSD_2CAPx":
                "summaries",
            "v2__last__trade__AAPL": "last_trade",
            "v2__reference__news_ticker_NFLX": "news",
            "v2__snapshot__locale__us__markets__stocks__gainers": "gainers",
            "v2__snapshot__locale__us__markets__stocks__tickers__AAPL": "snapshot",
            "v3__quotes__AAPL": "quotes",
            "v3__reference__conditions_asset_class_stocks": "conditions",
            "v3__reference__exchanges": "exchanges",
            "v3__reference__tickers__types": "ticker_types",
            "v3__snapshot": "universal_snapshot",
            "v3__snapshot__indices_ticker.any_of_SPX_2CAPx_2CAPy": "index_snapshot",
            "vX__reference__financials": "financials",
        }.items()
    },
}  # fmt: skip


# ---- Yahoo, Alpha Vantage, mfapi.in and others -------------------------------------------------------------


def yahoo_chart(path: Path) -> None:
    """IBM's chart: bars of 1962 and 2021 in New York's days, ten dividends, seven splits."""
    body, load = body_of(path), load_of("IBM 1962-01-02..2021-01-08")
    bars = rows_of(parser_of("yahoo", "daily_bars")(body, load))
    assert [bars[0][0], bars[-1][0]] == [date(1962, 1, 2), date(2021, 1, 8)]
    assert bars[-1][5:9] == (
        Decimal("122.87763214111328"), Decimal("103.29237365722656"), Decimal("4891305"), "USD",
    )  # fmt: skip
    assert len(bars) == 10
    dividends = rows_of(parser_of("yahoo", "dividends")(body, load))
    assert dividends[0] == ("IBM", date(1962, 2, 6), Decimal("0.000956"), "USD", 1)
    assert dividends[-1][1:3] == (date(2020, 11, 9), Decimal("1.558317"))
    splits = rows_of(parser_of("yahoo", "splits")(body, load))
    assert splits[0] == ("IBM", date(1964, 5, 18), Decimal("5.0"), Decimal("4.0"), 1)
    assert splits[-1][1] == date(1999, 5, 27)
    with pytest.raises(PayloadError, match="the chart is of 'IBM', not of 'AAPL'"):
        parser_of("yahoo", "daily_bars")(body, load_of("AAPL 1962"))


def yahoo_refusals(path: Path) -> None:
    """Each complaint, in a body with HTTP 200 and as a status over HTTP, is refused with what it says."""
    for said in json_of(path):
        status, _, rest = said.partition(" ")
        code, _, description = rest.partition(": ")
        body = json.dumps({"chart": {"result": None, "error": {"code": code, "description": description}}})
        with pytest.raises(PayloadError, match=f"Yahoo says '?\"?{description[:20]}"):
            parser_of("yahoo", "daily_bars")(body.encode(), load_of("IBM 2010"))
        told = refusal_over_http(int(status), body.encode())
        assert f"HTTP {status}" in told
        assert description[:4] in told


def alphavantage_refusals(path: Path) -> None:
    """Each note that comes with HTTP 200 is refused with what it says."""
    for said in json_of(path):
        (note,) = json.loads(said).values()
        with pytest.raises(PayloadError, match="Alpha Vantage says") as told:
            parser_of("alphavantage", "daily_bars")(said.encode(), load_of("IBM 2021"))
        assert " ".join(note.split())[:60] in str(told.value)


def http_refusals(path: Path) -> None:
    """Each recorded 4xx and 5xx is refused by the shared HTTP policy with its status and its words."""
    for one in json_of(path):
        told = refusal_over_http(one["status"], one["body"].encode())
        assert f"HTTP {one['status']}" in told
        assert one["body"][:30] in told


def not_daily(what: str) -> Expectation:
    """Expect Alpha Vantage's parser to say what the answer holds in place of a daily series."""
    return complains(
        "alphavantage", "daily_bars", "IBM 2021", f"not a daily time series of Alpha Vantage: {what}"
    )


CURRENCIES = "its header is 'currency code,currency name'"
apis: dict[str, Expectation] = {
    "api/yahoo/pricehist__ibm-long-partial.json": yahoo_chart,
    "api/yahoo/pricehist__tsla-recent.json": parsed(
        "yahoo", "daily_bars", "TSLA 2021-01-04..2021-01-08", count=5,
        holds=(
            date(2021, 1, 8), "TSLA", Decimal("285.3333435058594"), Decimal("294.8299865722656"),
            Decimal("279.46331787109375"), Decimal("293.3399963378906"), Decimal("293.3399963378906"),
            Decimal(225166500), "USD",
        ),
    ),
    "api/yahoo/pricehist__error_bodies.json": yahoo_refusals,
    "api/alphavantage/pricehist__ibm-partial.json": parsed(
        "alphavantage", "daily_bars", "IBM 2021", count=7,
        holds=(
            date(2021, 1, 11), "IBM", Decimal("127.95"), Decimal("129.675"), Decimal("127.66"),
            Decimal("128.58"), None,
        ),
    ),
    "api/alphavantage/pricehist__error_bodies.json": alphavantage_refusals,
    "api/alphavantage/pricehist__digital-partial.csv": not_daily(CURRENCIES),
    "api/alphavantage/pricehist__physical-partial.csv": not_daily(CURRENCIES),
    "api/alphavantage/pricehist__eur-aud-partial.json": not_daily("it holds Time Series FX (Daily)"),
    "api/alphavantage/pricehist__search-ibm.json": not_daily("it holds bestMatches"),
    "api/alphavantage/romeltorres__symbol_search.json": not_daily("it holds bestMatches"),
    "api/alphavantage/romeltorres__global_quote.json": not_daily("it holds Global Quote"),
    "api/alphavantage/romeltorres__mock_company_overview.json": not_daily("it holds Symbol, AssetType"),
    "api/alphavantage/romeltorres__mock_fundamental_data.json": not_daily("it holds symbol, annualReports"),
    "api/alphavantage/romeltorres__mock_time_series.json": not_daily("it holds Time Series (1min)"),
    "api/mfapi/mf_118955.json": parsed(
        "mfapi", "history", "118955 2026-10", count=3, holds=(date(2013, 1, 1), 118955, "94.71200")
    ),
    "api/http_errors/rotki__recorded_4xx_5xx.json": http_refusals,
    "api/bankofcanada/pricehist__all-partial.json": no_connector_reads("bankofcanada"),
    "api/bankofcanada/pricehist__recent.json": no_connector_reads("bankofcanada"),
}  # fmt: skip


# ---- AMFI --------------------------------------------------------------------------------------------------


def nav_file(path: Path) -> None:
    """A recorded NAV file: no line is lost, and Axis's liquid fund is among the schemes read."""
    body = body_of(path)
    batch = amfi.parse_navs(body, load_of("n"))
    rows = rows_of(batch)
    lines = [line for line in body.decode("latin-1").splitlines() if ";" in line]
    assert len(rows) + sum(";" in one.content for one in batch.rejected) == len(lines) - 1
    assert 13_000 < len(rows) < 15_000
    assert all(len(row) == 4 for row in rows)
    schemes = {row[0]: row for row in rows_of(amfi.parse_schemes(body, load_of("s")))}
    assert schemes[100119][7] == "HDFC Mutual Fund"


def history_report(path: Path) -> None:
    """AMFI's history report of 2006: its own column order, spreadsheet errors and zeros told apart."""
    batch = amfi.parse_navs(body_of(path), load_of("2006-04"))
    rows = {row[1]: row for row in rows_of(batch)}
    assert len(rows) == 31
    assert rows["100553"][:3] == ("2006-04-03", "100553", "26.8198")
    assert rows["102855"][2] == "10.2143"  # the NAV, not the repurchase or sale price beside it
    assert rows["103275"][2] == "1000.6000"
    assert [(one.line, one.reason) for one in batch.rejected] == [
        (9, "NAV is zero: '0'"),
        (49, "NAV is a spreadsheet's error: '#DIV/0!'"),
        (52, "no NAV: '#N/A'"),
        (53, "no NAV: '#N/A'"),
    ]
    schemes = {row[0]: row for row in rows_of(amfi.parse_schemes(body_of(path), load_of("s")))}
    assert len(schemes) == 35
    assert schemes[100553][1:4] == (
        "INF090I01AG2", "INF090I01AH0", "Templeton India Children\u2019s Asset Plan-Gift Plan - Dividend",
    )  # fmt: skip
    assert schemes[102652][6:8] == ("Open Ended Schemes ( Income )", "ABN AMRO Mutual Fund")


def nav_history(path: Path) -> None:
    """Ten years of NAVs of 78 schemes, every line a row."""
    rows = rows_of(fund_files.parse_navs(body_of(path), load_of("h")))
    assert len(rows) == 121_778
    assert len({row[1] for row in rows}) == 78
    assert rows[0] == (date(2015, 12, 7), 100119, "128.831", 2)
    assert rows[-1][:3] == (date(2025, 11, 26), 152416, "10.7417")


def isin_schemes(path: Path) -> None:
    """ISINs and scheme codes: several lines an ISIN, codes that are not known, codes of a registrar's own."""
    found = fund_files.read_isin_schemes(body_of(path))
    assert (len(found.schemes), len(found.rejected)) == (28_947, 101)
    assert sum(scheme.scheme_code is None for scheme in found.schemes) == 5_518
    assert found.aliases()["INF179K01319"] == 106796
    assert found.rejected[0].reason == "no Indian ISIN: 'SBIBAFSS1OV5' ''"


def observations(path: Path) -> None:
    """The log of NAVs as they were seen gives its every row, dated by when it was first seen."""
    file = ObservationFile(path)
    assert file.rows == 822_413
    batch = recorded.parse_navs(body_of(path), load_of("o"))
    assert isinstance(batch.rows, TextBlocks)
    counts, first = 0, None
    for block in batch.rows.blocks:
        counts += len(block.columns[0])
        first = first or [column[0] for column in block.columns]
    assert counts + len(batch.rejected) == 822_413
    assert first is not None
    assert len(first) == 5


navs: dict[str, Expectation] = {
    **{
        f"amfi/navall_raw/NAVAll_{when}.txt.gz": nav_file
        for when in (
            "2025-03-08_other-mirror", "2025-07-16T1500", "2025-07-16T1515", "2025-07-16T1538",
            "2025-07-17T0311", "2025-07-18T0313", "2025-07-20T0321", "2025-07-21T0319", "2025-07-26T0308",
            "2025-07-27T0322", "2025-08-01T0328", "2025-10-04T0233", "2025-10-05T0249", "2025-11-22T0245",
            "2025-12-04_other-mirror", "2026-08-19T0235", "2026-08-20T0234",
        )
    },
    "amfi/navall_raw/NAVAll_2025-09-14T0244.txt.gz": refused(
        lambda path: amfi.parse_navs(body_of(path), load_of("n")), "not the header of a NAV file"
    ),
    "amfi/nav_history_report/NAVHistoryReport_2006-04-03_excerpt.txt": history_report,
    "amfi/nav_history_10y.csv.gz": nav_history,
    "amfi/casparser_isin_scheme.csv.gz": isin_schemes,
    "amfi/casparser_isin_nav_2018-01-31.csv.gz": refused(
        lambda path: fund_files.parse_navs(body_of(path), load_of("n")), "NAVs without a day are of none"
    ),
    "amfi/scheme_master_changes.parquet": refused(
        lambda path: amfi.parse_schemes(body_of(path), load_of("n")), "not the header of a NAV file"
    ),
    "amfi/nav_observations.parquet": observations,
}  # fmt: skip


# ---- price files -------------------------------------------------------------------------------------------


def landed(
    ticker: str | None, declared: Declared | None, *, count: int, rejected: int = 0, holds: tuple[object, ...]
) -> Expectation:
    """Expect so many bars for raw.file_daily_bars, one of which begins so."""

    def check(path: Path) -> None:
        batch = price_files.parser("shared", ticker, declared)(body_of(path), load_of("f"))
        rows = rows_of(batch)
        assert (len(rows), len(batch.rejected)) == (count, rejected)
        assert holds in [row[: len(holds)] for row in rows]

    return check


def not_a_basis(said: str, *, count: int, last: tuple[date, str]) -> Expectation:
    """Expect so many bars read, the last as given, and a refusal to land them."""

    def check(path: Path) -> None:
        file = price_files.read(body_of(path))
        assert (len(file.bars), file.rejected) == (count, ())
        assert (file.bars[-1].at.date(), file.bars[-1].close) == (last[0], Decimal(last[1]))
        with pytest.raises(PayloadError, match=f"prices {said}: not a price basis Folio takes"):
            price_files.parser("shared", "X")(body_of(path), load_of("f"))

    return check


def lean(ticker: str, count: int, first: str, close: str, *, rejected: int = 0) -> Expectation:
    """Expect a Lean file to need its layout declared, and to give so many bars, the first as given."""
    read = landed(
        ticker, "lean equity", count=count, rejected=rejected,
        holds=(date.fromisoformat(first), "shared", ticker),
    )  # fmt: skip

    def check(path: Path) -> None:
        with pytest.raises(PayloadError, match="declare the layout"):
            price_files.read(body_of(path))
        read(path)
        bar = price_files.read(body_of(path), "lean equity").bars[0]
        assert (bar.at.date().isoformat(), bar.close) == (first, Decimal(close))

    return check


def factor_file(count: int, *first: str) -> Expectation:
    """Expect so many rows of factors before the row of the far future, the first as given."""

    def check(path: Path) -> None:
        rows = price_files.read_factors(body_of(path))
        assert len(rows) == count
        assert (rows[0].last_day.isoformat(), str(rows[0].price_factor), str(rows[0].split_factor)) == first

    return check


def map_file(*spans: tuple[str, str]) -> Expectation:
    """Expect these last days of these tickers."""

    def check(path: Path) -> None:
        rows = price_files.read_tickers(body_of(path))
        assert [(row.last_day.isoformat(), row.ticker) for row in rows] == list(spans)

    return check


def repair_case(path: Path) -> None:
    """A series with a known defect is repaired as expected, or left where the expectation contradicts it."""
    verdict = repair_cases.judged(path)
    case = path.name.removesuffix(".csv.gz")
    wanted = (
        "untouched" if "no-bad" in case else "missed" if case in repair_cases.CONTRADICTORY else "repaired"
    )
    assert verdict.outcome == wanted


def repaired_case(path: Path) -> None:
    """An expected result is a series without the defects that it was repaired of."""
    bars = repair_cases.bars_of(path)
    assert len(bars.days) > 10


FAR = "2050-12-31"
closes_only = refused(
    lambda path: price_files.read(body_of(path)), "closes only, and whether adjusted is not said"
)
prices: dict[str, Expectation] = {
    **{
        f"prices/lean_usa/daily/{name}.csv.gz": expectation
        for name, expectation in {
            "aaa": lean("AAA", 1371, "2002-05-22", "54.89"),
            "aapl": lean("AAPL", 5849, "1998-01-02", "16.25"),
            "aig": lean("AIG", 5849, "1998-01-02", "109.88"),
            "bac": lean("BAC", 5849, "1998-01-02", "73.63"),
            "bno": lean("BNO", 3827, "1998-01-02", "12.81"),
            "eem": lean("EEM", 5245, "1998-01-06", "9.63"),
            "fb": lean("FB", 2947, "1999-09-29", "11.5"),
            "ibm": lean("IBM", 5849, "1998-01-02", "105.75"),
            "iwm": lean("IWM", 5244, "2000-05-26", "91.44"),
            "qqq": lean("QQQ", 3964, "1999-03-10", "101.94"),
            "spy": lean("SPY", 5849, "1998-01-02", "97.36"),
            "uso": lean("USO", 3910, "1998-01-02", "0.25"),
        }.items()
    },
    **{
        f"prices/lean_usa/factor_files/{name}.csv": expectation
        for name, expectation in {
            "aaa.1": factor_file(6, "2002-05-22", "0.2988875", "1"),
            "aapl": factor_file(40, "1998-01-02", "0.8613657", "0.00892857"),
            "aig": factor_file(80, "1998-01-02", "0.6578214", "7.11111022"),
            "bac": factor_file(95, "1998-01-02", "0.5454956", "0.5"),
            "bno": factor_file(2, "2010-06-02", "1", "0.5"),
            "eem": factor_file(38, "2003-04-11", "0.7346970", "0.11111099"),
            "fb": factor_file(1, "2012-05-18", "1", "1"),
            "gbsn": factor_file(4, "2014-09-30", "1", "166666.99417200"),
            "ibm": factor_file(95, "1998-01-02", "0.6209650", "0.5"),
            "iwm": factor_file(88, "2000-05-26", "0.7589968", "0.5"),
            "qqq": factor_file(68, "1999-03-10", "0.8702664", "0.5"),
            "spy": factor_file(95, "1998-01-02", "0.6566606", "1"),
            "uso": factor_file(2, "2006-04-10", "1", "8"),
        }.items()
    },
    **{
        f"prices/lean_usa/map_files/{name}.csv": expectation
        for name, expectation in {
            "aaa.1": map_file(("2002-05-22", "AAA"), ("2007-05-18", "AAA")),
            "aaa": map_file(("2020-09-09", "AAA"), (FAR, "AAA")),
            "aapl": map_file(("1998-01-02", "AAPL"), (FAR, "AAPL")),
            "aig": map_file(("1998-01-02", "AIG"), (FAR, "AIG")),
            "bac": map_file(("1998-01-02", "NB"), ("1998-09-30", "NB"), (FAR, "BAC")),
            "bno": map_file(("2010-06-02", "BNO"), (FAR, "BNO")),
            "eem": map_file(("2003-04-11", "EEM"), (FAR, "EEM")),
            "fb.1": map_file(("1999-09-29", "FB"), ("2003-03-28", "FB")),
            "fb": map_file(("2012-05-18", "FB"), (FAR, "FB")),
            "ibm": map_file(("1998-01-02", "IBM"), (FAR, "IBM")),
            "iwm": map_file(("2000-05-26", "IWM"), (FAR, "IWM")),
            "qqq": map_file(
                ("1999-03-10", "QQQ"), ("2004-11-30", "QQQ"), ("2011-03-22", "QQQQ"), (FAR, "QQQ")
            ),
            "spy": map_file(("1998-01-02", "SPY"), (FAR, "SPY")),
            "uso": map_file(("2006-04-10", "USO"), (FAR, "USO")),
        }.items()
    },
    "prices/lean_other/btcusd_trade_coinbase.csv.gz": landed(
        "BTCUSD", "lean crypto", count=1318,
        holds=(
            date(2018, 8, 13), "shared", "BTCUSD", Decimal(6316), Decimal("6544.99"), Decimal("6139.57"),
            Decimal("6253.67"), Decimal("10178.43146644"),
        ),
    ),
    "prices/bokeh/stocks.csv.gz": landed(
        None, None, count=12_154,
        holds=(date(2013, 3, 1), "shared", "MSFT", Decimal("27.72"), Decimal("27.98"), Decimal("27.52"),
               Decimal("27.95"), Decimal(34849700)),
    ),
    "prices/arch/nasdaq.csv.gz": not_a_basis(
        "restated for splits", count=5031, last=(date(2018, 12, 31), "6635.279785")
    ),
    "prices/arch/sp500.csv.gz": not_a_basis(
        "restated for splits", count=5031, last=(date(2018, 12, 31), "2506.850098")
    ),
    "prices/indices/BSE_SENSEX.csv.gz": not_a_basis(
        "restated for splits", count=4922, last=(date(2019, 12, 27), "41575.140625")
    ),
    "prices/indices/NIFTY_50.csv.gz": not_a_basis(
        "not said", count=4954, last=(date(2019, 12, 2), "12048.2")
    ),
    "prices/zipline_csvdir/AAPL.csv.gz": not_a_basis(
        "restated for splits", count=754, last=(date(2014, 12, 31), "110.379997")
    ),
    "prices/zipline_csvdir/KO.csv.gz": not_a_basis(
        "restated for splits", count=754, last=(date(2014, 12, 31), "42.220001")
    ),
    "prices/arch/vix.csv.gz": closes_only,
    "prices/skfolio/factors_dataset.csv.gz": closes_only,
    "prices/skfolio/sp500_dataset.csv.gz": closes_only,
    "prices/skfolio/sp500_index.csv.gz": closes_only,
    **{
        f"{repair_cases.FOLDER}/{case}{kind}.csv.gz": expectation
        for cases, kinds in (
            (
                (
                    "1398-HK-1d-bad-div", "3988-HK-1d-bad-div", "ABDP-L-1d-bad-div", "ADIG-L-1d-bad-div",
                    "AET-L-1d-100x-error", "ALPHA-PA-1d-bad-stock-split", "AV-L-1wk-bad-stock-split",
                    "CLC-L-1d-bad-div", "DEX-AX-1d-bad-stock-split", "DODFX-1d-cg-double-count",
                    "ELCO-L-1d-bad-div", "KME-MI-1d-bad-div", "LSC-L-1d-bad-div",
                    "MOB-ST-1d-bad-stock-split", "REL-L-1d-bad-div", "SCR-TO-1d-bad-div",
                    "SERE-L-1d-bad-div", "SPM-MI-1d-bad-stock-split", "SSNLF-1d-bad-div",
                    "TENT-L-1d-bad-div", "TEP-PA-1d-bad-div", "VWILX-1d-cg-double-count",
                ),
                (("", repair_case), ("-fixed", repaired_case)),
            ),
            (
                (
                    "CALM-1d-no-bad-divs", "EA-15m-no-bad-divs", "EWG-1d-no-bad-divs",
                    "HSBK-IL-1d-no-bad-divs", "KMR-L-1d-no-bad-divs", "TISG-MI-1d-no-bad-divs",
                ),
                (("", repair_case),),
            ),
        )
        for case in cases
        for kind, expectation in kinds
    },
}  # fmt: skip

EXPECTED: dict[str, Expectation] = {**polygon, **apis, **navs, **prices}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_input_gives_what_is_expected(name: str, shared: Path) -> None:
    EXPECTED[name](shared / "data" / name)
