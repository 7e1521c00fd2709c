"""Bad input of every kind: what is wrong is named by source, line and reason, and what is good is taken."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from folio.delivery.mail.catcher import Catcher
from folio.jobs import ingest, pipeline
from folio.settings import settings
from folio.sources.sandbox import Fault, Sandbox

HEADER = "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
HEADER_OF_8 = HEADER.replace("Scheme Name;", "Scheme Name;Plan;Option;")
SECTION = ["", "Open Ended Schemes(Debt Scheme - Liquid Fund)", "", "Demo Mutual Fund", ""]
GOOD = "100001;INF000A01011;-;Demo Growth Fund;101.2500;25-Jul-2025"
RATES = (
    "Date,USD,INR,GBP,\n2025-07-25,1.1740,N/A,0.8700,\n2025-07-24,1.1756,101.5340,0.8690,\n"
    "2025-07-23,1.1730,101.3110,0.8680,\n"
)
NIGHT = "2025-07-26T0308Z"
NAVALL = "/spages/NAVAll.txt"


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


def adds_up(load) -> bool:
    return load.rows_seen == load.rows_new + load.rows_changed + load.rows_same + load.rows_rejected


# ---- one source at a time ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Provider:
    """A sandbox over recordings that a test writes, to which the settings point."""

    dsn: str
    folder: Path
    sandbox: Sandbox

    def records(self, *lines: str, header: str = HEADER) -> None:
        """Record a NAV file for the night."""
        text = "\r\n".join([header, *SECTION, *lines, ""])
        (self.folder / "NAVAll_2025-07-26T0308.txt").write_bytes(text.encode())

    def rejected(self, load) -> list[tuple[int, str, str]]:
        return rows(
            self.dsn,
            "select line, reason, content from raw.rejected_rows where load_id = %s order by line",
            load.load_id,
        )


@pytest.fixture
def provider(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "eurofxref-hist.csv").write_text(RATES)
    with Sandbox(folder) as sandbox:
        for name, value in quick(sandbox).items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        monkeypatch.setattr(ingest, "GREAT_EXPECTATIONS", "plain")  # its import takes seconds
        made = Provider(warehouse, folder, sandbox)
        made.records(GOOD)
        yield made


def quick(sandbox: Sandbox) -> dict[str, str]:
    """Settings that point every source at a sandbox and do not wait between two attempts."""
    return {
        "FOLIO_AMFI_URL": sandbox.url,
        "FOLIO_POLYGON_URL": sandbox.url,
        "FOLIO_POLYGON_KEY": "sandbox",
        "FOLIO_ECB_URL": sandbox.url,
        "FOLIO_RECORDED": "true",
        "FOLIO_HTTP_ATTEMPTS": "2",
        "FOLIO_HTTP_BACKOFF_SECONDS": "0",
    }


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("html_404", "HTTP 404, an HTML page titled '404 Not Found'"),
        ("html", "HTTP 200, but an HTML page titled 'Maintenance', not data"),
        ("redirect", "HTTP 302, a redirect to http://elsewhere.invalid/login, not followed"),
        ("one_byte", "HTTP 200, but one byte (b'0'), not data"),
        ("empty", "HTTP 200, but an empty body, not data"),
        ("cut", "the transfer broke"),
        ("403", "HTTP 403"),
        ("error_status", "line 1 is not the header of a NAV file"),
    ],
)
def test_a_nav_file_that_is_none_is_a_failed_load_and_the_night_goes_on(provider, kind, said):
    provider.sandbox.faults.switch_on(Fault("/spages", kind))
    [load] = ingest.fund_navs(NIGHT)
    assert load.status == "failed"
    assert said in load.reason
    if kind != "error_status":
        assert load.reason.startswith(f"amfi: {provider.sandbox.url}{NAVALL}: ")
    assert rows(provider.dsn, "select count(*) from raw.amfi_navs") == [(0,)]
    assert [load.status for load in ingest.fx_rates(NIGHT)] == ["loaded"]

    provider.sandbox.faults.switch_off()
    navs, schemes = ingest.fund_navs(NIGHT)
    assert (navs.status, navs.attempt, navs.rows_new, schemes.rows_new) == ("loaded", 2, 1, 1)


def test_navs_that_are_none_are_rejected_by_line_and_the_others_load(provider):
    bad = {
        "100002;-;-;Fund Two;N.A.;25-Jul-2025": "no NAV: 'N.A.'",
        "100003;-;-;Fund Three;#DIV/0!;25-Jul-2025": "NAV is a spreadsheet's error: '#DIV/0!'",
        "100004;-;-;Fund Four;-10.5;25-Jul-2025": "NAV is negative: '-10.5'",
        "100005;-;-;Fund Five;0.0000;25-Jul-2025": "NAV is zero: '0.0000'",
        "100006;-;-;Fund Six;ten;25-Jul-2025": "NAV is no number: 'ten'",
        "100007;-;-;Fund Seven;10.5;25-Foo-2025": "date cannot be read: '25-Foo-2025'",
        "100008;-;-;Fund Eight;10.5;25-Jul-2035": "date 2035-07-25 lies ahead",
        "1OOOO9;-;-;Fund Nine;10.5;25-Jul-2025": "scheme code is no number: '1OOOO9'",
        "100010;Fund Ten;10.5;25-Jul-2025": "4 fields where the header has 6",
        "100001;INF000A01011;-;Demo Growth Fund;99.5;25-Jul-2025": "contradicts line 7: the same key",
    }
    provider.records(GOOD, *bad, GOOD)
    navs, schemes = ingest.fund_navs(NIGHT)
    assert (navs.status, navs.rows_seen, navs.rows_new, navs.rows_same) == ("loaded", len(bad) + 2, 1, 1)
    assert adds_up(navs)
    assert adds_up(schemes)
    found = provider.rejected(navs)
    first = 1 + len(SECTION) + 2
    assert [(line, content) for line, _, content in found if "contradicts" not in _] == [
        (first + place, line) for place, (line, said) in enumerate(bad.items()) if "contradicts" not in said
    ]
    assert [line for line, _, _ in found] == list(range(first, first + len(bad)))
    for (_, reason, _), said in zip(found, bad.values(), strict=True):
        assert said in reason
    assert rows(provider.dsn, "select scheme_code, nav from raw.amfi_navs") == [(100001, Decimal("101.25"))]


def test_the_layout_of_eight_columns_loads_with_plan_and_option(provider):
    provider.records(
        "100001;INF000A01011;-;Demo Growth Fund;Direct Plan;Growth;101.2500;25-Jul-2025",
        "100002;INF000A01029;-;Demo Bond Fund;N.A.;25-Jul-2025",
        header=HEADER_OF_8,
    )
    navs, schemes = ingest.fund_navs(NIGHT)
    assert (navs.rows_seen, navs.rows_new, navs.rows_rejected) == (2, 1, 1)
    assert adds_up(schemes)
    assert [reason for _, reason, _ in provider.rejected(navs)] == ["6 fields where the header has 8"]
    assert rows(provider.dsn, "select scheme_name, plan, option from raw.amfi_schemes") == [
        ("Demo Growth Fund", "Direct Plan", "Growth")
    ]


def test_a_day_of_rates_without_a_currency_loads_the_others(provider):
    [load] = ingest.fx_rates(NIGHT)
    assert (load.status, load.rows_new, adds_up(load)) == ("loaded", 2, True)
    assert rows(
        provider.dsn, "select currency_code from raw.ecb_fx_rates where rate_date = '2025-07-25' order by 1"
    ) == [("GBP",), ("USD",)]


def test_a_provider_that_answers_429_and_then_200_is_asked_again(provider):
    provider.sandbox.faults.switch_on(Fault("/spages", "429", times=1, retry_after=0))
    assert [load.status for load in ingest.fund_navs(NIGHT)] == ["loaded", "loaded"]
    assert [path for path, _ in provider.sandbox.requests] == [NAVALL] * 2


def test_a_provider_that_answers_500_for_ever_is_left_in_peace(provider):
    provider.sandbox.faults.switch_on(Fault("/spages", "500"))
    loads = [ingest.fund_navs(f"2025-07-26T030{minute}Z")[0] for minute in range(7)]
    assert {load.status for load in loads} == {"failed"}
    for load in loads[:5]:
        assert load.reason.startswith(f"amfi: {provider.sandbox.url}{NAVALL}: HTTP 500")
        assert load.reason.endswith("(after 2 attempts)")
    for load in loads[5:]:
        assert load.reason.startswith("amfi: not asked, because the last 5 questions had no answer")
    assert len(provider.sandbox.requests) == 5 * 2
    assert [load.status for load in ingest.fx_rates(NIGHT)] == ["loaded"]  # another provider


# ---- whole nights ------------------------------------------------------------

BAD_BOOK = """\
account_key,external_id,kind,trade_date,instrument,units,price,amount,currency,fee,tax
P07A-BRK,bad-1,deposit,2013-03-01,,,,1000,USD,0,0
P07A-BRK,bad-2,deposit,2013-02-30,,,,1000,USD,0,0
P07A-BRK,bad-3,buy,2013-03-01,ticker:ZZZZ,1,10,10,USD,0,0
P07A-BRK,bad-4,sell,2013-03-01,ticker:AAPL,1000000,430.47,430470000,USD,0,0
P07A-BRK,bad-1,deposit,2013-03-01,,,,1000,USD,0,0
P07A-BRK,bad-1,deposit,2013-03-01,,,,2000,USD,0,0
P99Z-BRK,bad-5,deposit,2013-03-01,,,,1000,USD,0,0
P07A-BRK,bad-6,deposit,2013-03-01
P07A-BRK,bad-7,deposit,2013-03-09,,,,1000,USD,0,0
P07A-BRK,bad-8,buy,2013-03-01,ticker:AAPL,-1,430.47,430.47,USD,0,0
"""
REFUSED = {
    3: "trade_date",
    4: "unknown ticker alias 'ZZZZ' on 2013-03-01",
    7: "column amount: contradicts line 2, which has the same key",
    8: "unknown account 'P99Z-BRK'",
    9: "4 cells, the header has 11 columns",
    10: "column trade_date: 2013-03-09 lies after the file's own day",
    11: "units",
}
DAY = "2013-03-01"


@contextmanager
def demo_with_faults(
    demo, nights_done: int, market: Path, folder: Path, **more: str
) -> Iterator[tuple[str, Sandbox]]:
    """A copy of the demo whose sources are a sandbox over another market, to be switched to faults."""
    with (
        Sandbox(market) as sandbox,
        Catcher(folder / "mail") as catcher,
        demo.copy(nights_done) as dsn,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {**quick(sandbox), "FOLIO_SMTP_PORT": str(catcher.port), **more}.items():
            patch.setenv(name, value)
        patch.setattr(ingest, "GREAT_EXPECTATIONS", "plain")
        settings.cache_clear()
        yield dsn, sandbox


@dataclass(frozen=True)
class BadNight:
    """The demo after a night of faults, and what makes the next one good again."""

    dsn: str
    night: str
    loads: dict[str, tuple]
    get_well: Callable[[], None]

    def rows(self, query, *parameters):
        return rows(self.dsn, query, *parameters)


@pytest.fixture(scope="module")
def bad_night(demo, tmp_path_factory) -> Iterator[BadNight]:
    """The third night, without NAVs, bars or the rupee's rate, and with a book file full of mistakes."""
    folder = tmp_path_factory.mktemp("bad")
    shutil.copytree(demo.state / "market", folder / "market")
    rates = folder / "market" / "fx.csv"
    table = [line.split(",") for line in rates.read_text().splitlines()]
    for cells in table:
        if cells[0] == DAY:
            cells[table[0].index("INR")] = "N/A"
    rates.write_text("\n".join(map(",".join, table)) + "\n")
    (folder / "drop").mkdir()
    (folder / "drop" / "2013-03-02T0000Z_transactions.csv").write_text(BAD_BOOK)
    drop = str(folder / "drop")
    with demo_with_faults(demo, 2, folder / "market", folder, FOLIO_DROP_FOLDER=drop) as (dsn, sandbox):
        for fault in (Fault("/spages", "html_404"), Fault("/v2/", "500")):
            sandbox.faults.switch_on(fault)
        steps = pipeline.run_night(demo.nights[2])
        assert steps[-1].name == "mail reports"
        loads = {
            f"{source}/{dataset}": rest
            for source, dataset, *rest in rows(
                dsn,
                "select source, dataset, status, reason, rows_seen, rows_new, rows_changed, rows_same, "
                "rows_rejected, load_id from raw.loads where night = %s",
                demo.nights[2],
            )
        }
        yield BadNight(dsn, demo.nights[2], loads, sandbox.faults.switch_off)


def test_each_load_of_a_bad_night_says_what_was_wrong(bad_night):
    assert {name: load[0] for name, load in bad_night.loads.items()} == {
        "amfi/navs": "failed",
        "polygon/daily_bars": "failed",
        "polygon/splits": "loaded",
        "polygon/dividends": "loaded",
        "polygon/tickers": "loaded",
        "polygon/delisted_tickers": "loaded",
        "polygon/ticker_details": "loaded",
        "ecb/fx_rates": "loaded",
        "books/transactions": "loaded",
    }
    assert "NAVAll.txt: HTTP 404, an HTML page titled '404 Not Found'" in bad_night.loads["amfi/navs"][1]
    assert f"/stocks/{DAY}" in bad_night.loads["polygon/daily_bars"][1]
    assert "HTTP 500" in bad_night.loads["polygon/daily_bars"][1]
    for _, _, seen, new, changed, same, refused, _ in bad_night.loads.values():
        assert seen == new + changed + same + refused


def test_good_lines_of_a_bad_book_file_count_and_each_bad_one_has_its_reason(bad_night):
    *_, seen, new, changed, same, refused, load_id = bad_night.loads["books/transactions"]
    assert (seen, new, changed, same, refused) == (10, 2, 0, 1, 7)
    kept = bad_night.rows(
        "select line, reason, content from raw.rejected_rows where load_id = %s order by line", load_id
    )
    assert [line for line, _, _ in kept] == list(REFUSED)
    lines = BAD_BOOK.splitlines()
    for line, reason, content in kept:
        assert REFUSED[line] in reason
        assert content == lines[line - 1]
    counted = bad_night.rows(
        "select kind, is_rejected, rejection_reason, source_line from marts.fct_transactions "
        "where load_id = %s order by source_line",
        load_id,
    )
    assert [row[:2] for row in counted] == [("deposit", False), ("sell", True)]
    assert "units where" in counted[1][2]
    assert counted[1][3] == 5


def test_an_oversold_position_stays_as_it_was(bad_night):
    held = bad_night.rows(
        "select valuation_date::text, units from marts.fct_holdings "
        "join marts.dim_accounts using (account_id) join marts.dim_instruments using (instrument_id) "
        "where account_code = 'P07A-BRK' and instrument_code = 'share-aapl' "
        "and valuation_date in ('2013-02-28', %s) order by 1",
        DAY,
    )
    assert [day for day, _ in held] == ["2013-02-28", DAY]
    assert held[0][1] == held[1][1] > 0


def test_the_night_goes_on_with_carried_prices_and_rates(bad_night):
    assert bad_night.rows("select night from history.publications order by ordinal")[-1] == (bad_night.night,)
    assert bad_night.rows(
        "select distinct quality, days_carried, price_date::text from marts.fct_prices_daily "
        "where valuation_date = %s and price_source <> 'cash'",
        DAY,
    ) == [("carried", 1, "2013-02-28")]
    assert bad_night.rows(
        "select distinct to_currency, quality, days_carried from marts.fct_fx_rates_daily "
        "where valuation_date = %s and from_currency = 'EUR' and to_currency in ('INR', 'USD') order by 1",
        DAY,
    ) == [("INR", "carried", 1), ("USD", "ok", 0)]
    assert bad_night.rows(
        "select distinct quality from marts.fct_portfolio_values_daily "
        "where valuation_date = %s and oldest_price_date is not null",
        DAY,
    ) == [("carried",)]
    assert bad_night.rows(
        "select count(*) from marts.fct_portfolio_values_daily "
        "where valuation_date = %s and value_portfolio is null",
        DAY,
    ) == [(0,)]


def test_the_next_night_fetches_what_was_missed_and_says_what_that_restated(bad_night):
    bad_night.get_well()
    pipeline.run_night("2013-03-03T0300Z")
    loads = bad_night.rows(
        "select source, dataset, slot, status from raw.loads where night = '2013-03-03T0300Z'"
    )
    assert ("polygon", "daily_bars", DAY, "loaded") in loads
    assert {status for *_, status in loads} == {"loaded"}
    assert bad_night.rows(
        "select distinct quality, price_date::text from marts.fct_prices_daily "
        "where valuation_date = %s and price_source <> 'cash'",
        DAY,
    ) == [("ok", DAY)]
    causes = {
        cause.split("; ")[0]
        for (cause,) in bad_night.rows(
            "select distinct cause from marts.fct_restatements "
            "where relation = 'fct_holdings' and figure = 'value_portfolio' and valuation_date = %s",
            DAY,
        )
    }
    assert causes == {
        f"price of {DAY} arrived by load amfi navs 2013-03-03T03:00Z",
        f"price of {DAY} arrived by load polygon daily_bars {DAY}",
    }


@pytest.mark.exhaustive
def test_where_shares_may_be_carried_no_further_only_portfolios_without_them_have_a_value(demo, tmp_path):
    """Six weekdays without bars, while NAVs and rates came: null and its reason, no orders, no alerts."""
    night, day = "2013-03-12T0300Z", "2013-03-11"
    market = tmp_path / "market"
    shutil.copytree(demo.state / "market", market)
    for name in ("navs.csv", "fx.csv"):
        header, *lines = (market / name).read_text().splitlines()
        later = [line.replace(DAY, day) for line in lines if DAY in line]
        (market / name).write_text("\n".join([header, *later, *lines]) + "\n")
    with demo_with_faults(demo, 3, market, tmp_path) as (dsn, sandbox):
        sandbox.faults.switch_on(Fault("/v2/", "500"))
        assert pipeline.run_night(night)[-1].name == "mail reports"
        assert rows(dsn, "select night from history.publications order by ordinal")[-1] == (night,)
        assert rows(
            dsn,
            "select distinct instrument_kind, price_local is null, quality, days_carried, missing_reason "
            "from marts.fct_prices_daily join marts.dim_instruments using (instrument_id) "
            "where valuation_date = %s order by 1",
            day,
        ) == [
            ("equity", True, "incomplete", 6, "the last price is 6 sessions old, the limit is 5"),
            ("fund", False, "ok", 0, None),
        ]
        valued = rows(
            dsn,
            "select portfolio_id, total.value_portfolio, known_part_value_portfolio, total.quality, "
            "sum(holdings.value_portfolio), bool_or(holdings.value_portfolio is null) "
            "from marts.fct_portfolio_values_daily as total "
            "join marts.fct_holdings as holdings using (portfolio_id, valuation_date) "
            "where valuation_date = %s group by 1, 2, 3, 4",
            day,
        )
        assert {lacks for *_, lacks in valued} == {True, False}
        for _, value, known_part, quality, held, lacks in valued:
            assert (value is None) == lacks == (quality == "incomplete")
            assert abs(known_part - (held or 0)) < Decimal("0.01")
        unvalued = [portfolio for portfolio, value, *_ in valued if value is None]
        assert rows(
            dsn,
            "select count(*) from marts.fct_period_results where portfolio_id = any(%s) "
            "and (twr is not null or final_value_portfolio is not null)",
            unvalued,
        ) == [(0,)]
        for relation, of_the_night in (
            (
                "fct_rebalance_orders as made join marts.fct_rebalance_plans using (plan_id)",
                "made.night = %s",
            ),
            ("fct_alerts as made", "opened_night = %s"),
        ):
            assert rows(
                dsn,
                f"select count(*) from marts.{relation} where {of_the_night} and portfolio_id = any(%s)",
                night,
                unvalued,
            ) == [(0,)]
        assert rows(
            dsn,
            "select count(*) from marts.fct_rebalance_plans where night = %s and status = 'planned'",
            night,
        ) == [(1,)]
