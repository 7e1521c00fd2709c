"""Rows that name something unknown wait, and land by themselves on the first night that knows it."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from folio.books import intake
from folio.cli import app
from folio.settings import settings
from folio.sources.landing import Load

ACCOUNT = (
    "investor_key,household_key,tax_unit_key,name,email,residency,risk_profile\nI1,H1,T1,One,,US,balanced\n",
    "portfolio_key,investor_key,name,currency,var_limit,drift_band\nP1,I1,One,USD,,0.05\n",
    "account_key,portfolio_key,name,kind,currency,tax_regime,lot_method,cash_model,flow_timing,opened_on\n"
    "A1,P1,Broker,brokerage,USD,us,fifo,kept,start,2009-01-02\n",
)
TRANSACTIONS = "account_key,external_id,kind,trade_date,instrument,units,price,amount,currency,fee,tax\n"
INSTRUMENTS = "instrument_key,kind,name,currency,asset_class,sector,region,whole_units\n"
ALIASES = "scheme,alias,valid_from,valid_to,instrument_key,is_spam\n"
SHARE = INSTRUMENTS + "share-x,equity,X,USD,equity,any,any,true\n"
FIRST, SECOND, THIRD = "2013-02-27T0300Z", "2013-02-28T0300Z", "2013-03-01T0300Z"


@pytest.fixture
def drop(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLIO_RECORDED", "true")
    settings.cache_clear()
    folder = settings().drop
    folder.mkdir(parents=True)
    for number, text in enumerate(ACCOUNT):
        put(folder, f"2013-02-26T0000Z_{number}.csv", text)
    return folder


def put(drop: Path, name: str, text: str) -> None:
    (drop / name).write_text(text, encoding="utf-8")


def query(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(text).fetchall()  # type: ignore[arg-type]


def new_loads(loads: list[Load]) -> list[tuple[str, int, int]]:
    return [(load.dataset, load.rows_new, load.rows_rejected) for load in loads if not load.repeated]


def buys(*rows: tuple[str, str]) -> str:
    return TRANSACTIONS + "".join(
        f"A1,{external},buy,2013-02-25,{instrument},5,2,10,USD,,\n" for external, instrument in rows
    )


def test_a_row_that_names_an_unknown_ticker_lands_once_its_alias_is_known_without_being_sent_again(
    drop: Path, warehouse: str
) -> None:
    put(drop, "2013-02-26T0000Z_t.csv", buys(("1", "ticker:XX"), ("2", "ticker:YY")))
    assert new_loads(intake.files(FIRST))[-1] == ("transactions", 0, 2)
    put(drop, "2013-02-27T1200Z_i.csv", SHARE)
    put(drop, "2013-02-27T1200Z_a.csv", ALIASES + "ticker,XX,2000-01-01,,share-x,\n")
    assert new_loads(intake.files(SECOND)) == [
        ("instruments", 1, 0),
        ("instrument_aliases", 1, 0),
        ("transactions", 1, 0),
    ]
    assert query(
        warehouse,
        "select transaction_key, instrument_key, to_char(observed_at, 'YYYY-MM-DD HH24MI') "
        "from raw.book_transactions",
    ) == [("A1|1", "share-x", "2013-02-28 0300")]
    assert new_loads(intake.files(THIRD)) == []
    assert query(
        warehouse, "select waits_for, landed_by is not null from raw.rejected_rows order by line"
    ) == [("instrument ticker:XX", True), ("instrument ticker:YY", False)]


def test_a_row_that_a_later_file_corrected_meanwhile_does_not_come_back(drop: Path, warehouse: str) -> None:
    put(drop, "2013-02-26T0000Z_t.csv", buys(("1", "ticker:XX")))
    intake.files(FIRST)
    put(drop, "2013-02-27T1200Z_i.csv", SHARE)
    put(drop, "2013-02-27T1200Z_t.csv", buys(("1", "share-x")).replace(",10,USD", ",11,USD"))
    put(drop, "2013-02-27T1300Z_a.csv", ALIASES + "ticker,XX,2000-01-01,,share-x,\n")
    intake.files(SECOND)
    assert query(warehouse, "select amount from raw.book_transactions") == [(11,)]
    assert query(warehouse, "select count(*) from raw.rejected_rows where landed_by is null") == [(0,)]


def test_a_reference_row_that_waits_lands_before_the_transactions_that_wait_for_it(
    drop: Path, warehouse: str
) -> None:
    put(drop, "2013-02-26T0000Z_t.csv", buys(("1", "ticker:XX")))
    put(drop, "2013-02-26T0000Z_a.csv", ALIASES + "ticker,XX,2000-01-01,,share-x,\n")
    intake.files(FIRST)
    put(drop, "2013-02-27T1200Z_i.csv", SHARE)
    assert new_loads(intake.files(SECOND)) == [
        ("instruments", 1, 0),
        ("instrument_aliases", 1, 0),
        ("transactions", 1, 0),
    ]


def test_an_instrument_that_a_source_knows_is_made_of_what_it_says_and_listed_for_review(
    drop: Path, warehouse: str
) -> None:
    with psycopg.connect(warehouse) as connection:
        load = "00000000-0000-0000-0000-000000000001"
        connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
            "payload_sha256, observed_at) values (%s, 'polygon', 'tickers', '1', 1, '', 'loaded', '0', "
            "'2013-02-26')",
            [load],
        )
        for ticker, figi, listed, delisted in (
            ("ZZ", "F1", "ETF", None),
            ("TWO", "F2", "CS", None),
            ("TWO", "F3", "CS", "2010-05-01"),
        ):
            connection.execute(
                "insert into raw.polygon_tickers (ticker, composite_figi, name, type, active, currency_name, "
                "delisted_on, observed_at, known_basis, load_id, line) "
                "values (%s, %s, 'The name', %s, true, 'usd', %s, '2013-02-26', 'observed', %s, 1)",
                [ticker, figi, listed, delisted, load],
            )
        connection.execute(
            "insert into raw.amfi_schemes (scheme_code, scheme_name, category, observed_at, known_basis, "
            "load_id, line) values (119551, 'A fund', 'Debt Scheme - Banking and PSU Fund', '2013-02-26', "
            "'observed', %s, 1)",
            [load],
        )
    put(
        drop,
        "2013-02-26T0000Z_t.csv",
        buys(("1", "ticker:ZZ"), ("2", "ticker:TWO"), ("3", "amfi:119551"), ("4", "isin:US1")),
    )
    assert new_loads(intake.files(FIRST))[-3:] == [
        ("instruments", 2, 0),
        ("instrument_aliases", 2, 0),
        ("transactions", 2, 0),
    ]
    assert query(
        warehouse,
        "select instrument_key, kind, name, currency, asset_class from raw.book_instruments order by 1",
    ) == [
        ("amfi-119551", "fund", "A fund", "INR", "debt"),
        ("ticker-ZZ-1900", "etf", "The name", "USD", "equity"),
    ]
    shown = CliRunner().invoke(app, ["instruments", "review"], env={"COLUMNS": "160"}).output
    assert [
        word for word in ("isin:US1", "ticker:TWO", "ticker-ZZ-1900", "amfi-119551") if word not in shown
    ] == []
    put(drop, "2013-02-27T1200Z_i.csv", INSTRUMENTS + "ticker-ZZ-1900,etf,Z,USD,equity,any,any,true\n")
    assert new_loads(intake.files(SECOND)) == [("instruments", 0, 0)]
    shown = CliRunner().invoke(app, ["instruments", "review"], env={"COLUMNS": "160"}).output
    assert "ticker-ZZ-1900" not in shown


def test_rows_of_a_spam_token_are_kept_apart_and_its_name_is_listed(drop: Path, warehouse: str) -> None:
    spam = "contract:ethereum:0x00000000000000000000000000000000000000aa"
    put(drop, "2013-02-26T0000Z_t.csv", buys(("1", spam)))
    intake.files(FIRST)
    put(
        drop,
        "2013-02-27T1200Z_a.csv",
        ALIASES + f"contract,{spam.removeprefix('contract:')},2000-01-01,,,true\n",
    )
    put(drop, "2013-02-27T1200Z_t.csv", buys(("2", spam)))
    loads = intake.files(SECOND)
    assert new_loads(loads)[-1] == ("transactions", 0, 1)
    assert query(warehouse, "select count(*) from raw.book_transactions") == [(0,)]
    assert ("is a spam token: kept apart",) in [
        (reason[-27:],) for (reason,) in query(warehouse, "select reason from raw.rejected_rows")
    ]
    output = CliRunner().invoke(app, ["instruments", "review", "--json"]).output
    assert '"state": "spam"' in output
    assert f'"name": "{spam}"' in output
    assert '"state": "unknown"' not in output
