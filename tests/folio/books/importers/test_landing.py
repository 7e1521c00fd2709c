"""Exports dropped into an account's folder: what lands, what waits, and what coming again does."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from folio.books import intake, review
from folio.settings import settings
from folio.sources.landing import Load

REFERENCE = {
    "investors": "investor_key,household_key,tax_unit_key,name,email,residency,risk_profile\n"
    "I1,H1,T1,One,,NL,balanced\n",
    "portfolios": "portfolio_key,investor_key,name,currency,var_limit,drift_band\nP1,I1,One,EUR,,0.05\n",
    "accounts": "account_key,portfolio_key,name,kind,currency,tax_regime,lot_method,cash_model,flow_timing,"
    "opened_on\nA1,P1,Broker,brokerage,EUR,nl,fifo,kept,start,2020-01-02\n",
}
INSTRUMENT = (
    "instrument_key,kind,name,currency,asset_class,sector,region,whole_units\n"
    "ing,equity,ING,EUR,equity,banks,europe,false\n"
)
ALIAS = (
    "scheme,alias,valid_from,valid_to,instrument_key,is_spam\nisin,NL0011821202,2000-01-01,,ing,\n"
    "coin,ETH,2000-01-01,,ing,\n"
)
HEADER = "Portefeuille;Naam;Datum;Type mutatie;Valuta mutatie;Volume;Koers;Waarde;Bedrag;Isin code;Tijd\n"
BUY = "77;ING;08-02-2024;Koop Fondsen;EUR;2;10,00;20,00;-20,50;NL0011821202;11:46:03\n"
LATER = "77;ING;12-02-2024;Koop Fondsen;EUR;3;10,00;30,00;-30,50;NL0011821202;11:46:03\n"
MONEY = "77;;02-02-2024;Storting / opname;EUR;0;0;0;250,00;;\n"
ODD = "77;;03-02-2024;Iets anders;EUR;0;0;0;1,00;;\n"
FIRST, SECOND, THIRD = "2024-03-01T0300Z", "2024-03-02T0300Z", "2024-03-03T0300Z"


@pytest.fixture
def drop(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLIO_RECORDED", "true")
    settings.cache_clear()
    folder = settings().drop
    (folder / "A1").mkdir(parents=True)
    for number, text in enumerate(REFERENCE.values()):
        put(folder, f"2024-02-01T0000Z_{number}.csv", text)
    return folder


def put(drop: Path, name: str, text: str) -> None:
    (drop / name).write_text(text, encoding="utf-8")


def query(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(text).fetchall()  # type: ignore[arg-type]


def counts(loads: list[Load]) -> list[tuple[str, int, int, int, int, int]]:
    """Of new loads of transactions: what was asked, and rows seen, new, changed, same, rejected."""
    return [
        (
            load.request, load.rows_seen, load.rows_new, load.rows_changed, load.rows_same,
            load.rows_rejected,
        )
        for load in loads
        if load.dataset == "transactions" and not load.repeated
    ]  # fmt: skip


def known(drop: Path, instant: str = "2024-02-01T0000Z") -> None:
    put(drop, f"{instant}_instruments.csv", INSTRUMENT)
    put(drop, f"{instant}_names.csv", ALIAS)


LEDGER = (
    "select distinct on (transaction_key) kind, trade_date::text, units::float8, amount::float8, "
    "fee::float8, account_key from raw.book_transactions order by transaction_key, observed_at desc"
)


def test_the_folder_names_the_account_and_bad_lines_leave_the_others(drop: Path, warehouse: str) -> None:
    known(drop)
    put(drop, "A1/2024-02-20T0000Z_export.csv", HEADER + BUY + MONEY + ODD)
    loads = intake.files(FIRST)
    assert counts(loads) == [("A1/2024-02-20T0000Z_export.csv", 3, 2, 0, 0, 1)]
    assert sorted(query(warehouse, LEDGER), key=str) == [
        ("buy", "2024-02-08", 2.0, 20.0, 0.5, "A1"),
        ("deposit", "2024-02-02", None, 250.0, 0.0, "A1"),
    ]
    [(line, reason, content)] = query(warehouse, "select line, reason, content from raw.rejected_rows")
    assert (line, content) == (4, ODD.strip())
    assert "unknown kind 'Iets anders'" in reason


def test_an_export_without_an_account_is_a_failed_load_that_says_where_to_put_it(drop: Path) -> None:
    put(drop, "2024-02-20T0000Z_rates.csv", "2024-01-01,-100\n2024-02-01,110\n")
    [load] = [load for load in intake.files(FIRST) if load.status == "failed"]
    assert "put it into a folder of the drop folder that is named by the account's key" in str(load.reason)


def test_an_export_again_or_overlapping_or_in_another_order_adds_only_what_is_new(
    drop: Path, warehouse: str
) -> None:
    known(drop)
    put(drop, "A1/2024-02-20T0000Z_a.csv", HEADER + BUY + MONEY + BUY)
    put(drop, "A1/2024-02-21T0000Z_b.csv", HEADER + BUY + BUY + MONEY)
    put(drop, "A1/2024-02-22T0000Z_c.csv", HEADER + LATER + BUY + BUY)
    assert counts(intake.files(FIRST)) == [
        ("A1/2024-02-20T0000Z_a.csv", 3, 3, 0, 0, 0),
        ("A1/2024-02-21T0000Z_b.csv", 3, 0, 0, 3, 0),
        ("A1/2024-02-22T0000Z_c.csv", 3, 1, 0, 2, 0),
    ]
    assert counts(intake.files(SECOND)) == []
    assert len(query(warehouse, LEDGER)) == 4


def test_records_of_unknown_instruments_wait_and_land_once_without_being_sent_again(
    drop: Path, warehouse: str
) -> None:
    put(drop, "A1/2024-02-20T0000Z_a.csv", HEADER + BUY + MONEY + BUY)
    first = intake.files(FIRST)
    assert counts(first) == [("A1/2024-02-20T0000Z_a.csv", 3, 1, 0, 0, 2)]
    assert query(warehouse, "select distinct waits_for from raw.rejected_rows") == [
        ("instrument isin:NL0011821202",)
    ]
    [reason] = {row[0] for row in query(warehouse, "select reason from raw.rejected_rows")}
    assert "(the source calls it ING)" in reason
    with psycopg.connect(warehouse) as connection:
        [asked] = review.to_review(connection)
    assert (asked.name, asked.rows_waiting) == ("isin:NL0011821202", 2)
    assert asked.remark == "A1/2024-02-20T0000Z_a.csv, called ING"
    known(drop, "2024-03-01T1200Z")
    assert counts(intake.files(SECOND)) == [
        ("A1/2024-02-20T0000Z_a.csv, lines that waited: 2, 4", 2, 2, 0, 0, 0)
    ]
    assert [row[0] for row in query(warehouse, LEDGER)].count("buy") == 2
    put(drop, "A1/2024-03-02T1200Z_b.csv", HEADER + BUY + BUY)
    assert counts(intake.files(THIRD)) == [("A1/2024-03-02T1200Z_b.csv", 2, 0, 0, 2, 0)]


def test_both_legs_of_a_swap_wait_while_one_coin_is_unknown(drop: Path, warehouse: str) -> None:
    known(drop)
    header = (
        "Location,Spend Currency,Receive Currency,Receive Amount,Spend Amount,Fee,Fee Currency,Timestamp\n"
    )
    put(drop, "A1/2024-02-20T0000Z_a.csv", f"{header}kraken,ETH,NEW,2,1,,,1659171600000\n")
    assert counts(intake.files(FIRST)) == [("A1/2024-02-20T0000Z_a.csv", 1, 0, 0, 0, 1)]
    put(drop, "2024-03-01T1200Z_n.csv", ALIAS.replace("coin,ETH", "coin,NEW"))
    assert [row[1:3] for row in counts(intake.files(SECOND))] == [(2, 2)]
    assert {row[0] for row in query(warehouse, LEDGER)} == {"swap_in", "swap_out"}


def test_a_statement_of_several_accounts_books_each_to_its_own(drop: Path, warehouse: str) -> None:
    known(drop)
    trade = (
        '<Trade accountId="{}" currency="EUR" assetCategory="STK" conid="1" isin="NL0011821202" '
        'tradeID="{}" tradeDate="20240208" quantity="2" tradePrice="10" tradeMoney="20" ibCommission="-1" '
        'ibCommissionCurrency="EUR"/>'
    )
    body = "".join(trade.format(account, number) for number, account in enumerate(("A1", "U2"), start=5))
    put(
        drop,
        "2024-02-20T0000Z_flex.xml",
        f"<FlexQueryResponse><FlexStatements><FlexStatement>{body}</FlexStatement></FlexStatements>"
        "</FlexQueryResponse>",
    )
    assert counts(intake.files(FIRST)) == [("2024-02-20T0000Z_flex.xml", 2, 1, 0, 0, 1)]
    assert query(warehouse, "select waits_for from raw.rejected_rows") == [("account U2",)]


STATUS = (
    "select units::float8, status from (select distinct on (transaction_key) * from raw.book_transactions "
    "order by transaction_key, observed_at desc) as latest where kind = 'buy' order by 1, 2"
)


def buy(day: int, units: int) -> str:
    return BUY.replace("08-02-2024", f"{day:02}-02-2024").replace(";2;", f";{units};")


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        # a day between others: what is no longer said was corrected
        ((5, 2), (5, 3), [(2.0, "reversed"), (3.0, "settled")]),
        # the same day in full: as many rows and one in common
        ((20, 2), (20, 3), [(2.0, "reversed"), (3.0, "settled")]),
        # nothing new on that day: the export may be of a part
        ((5, 2), (6, 3), [(2.0, "settled"), (3.0, "settled")]),
    ],
)
def test_an_event_said_differently_takes_the_earlier_one_back(
    drop: Path, warehouse: str, first: tuple[int, int], second: tuple[int, int], left: list[tuple[float, str]]
) -> None:
    known(drop)
    around = HEADER + MONEY + MONEY.replace("02-02", "20-02")
    put(drop, "A1/2024-02-20T0000Z_a.csv", around + buy(*first))
    put(drop, "A1/2024-02-21T0000Z_b.csv", around + buy(*second))
    intake.files(FIRST)
    assert query(warehouse, STATUS) == left


def test_an_export_that_begins_within_a_day_takes_nothing_of_it_back(drop: Path, warehouse: str) -> None:
    known(drop)
    put(drop, "A1/2024-02-20T0000Z_a.csv", HEADER + MONEY + buy(8, 2))
    put(drop, "A1/2024-02-21T0000Z_b.csv", HEADER + buy(8, 3) + MONEY.replace("02-02", "20-02"))
    intake.files(FIRST)
    assert query(warehouse, STATUS) == [(2.0, "settled"), (3.0, "settled")]


POSITION = (
    '<OpenPosition accountId="A1" assetCategory="STK" conid="1" isin="NL0011821202" position="{}" '
    'reportDate="20240219" levelOfDetail="{}"/>'
)
STATEMENTS = (
    "select account_key, instrument_key, statement_date::text, units::float8, line from raw.book_statements "
    "order by observed_at, load_id"
)


def flex(positions: str) -> str:
    return (
        f'<FlexQueryResponse><FlexStatements><FlexStatement accountId="A1">{positions}</FlexStatement>'
        "</FlexStatements></FlexQueryResponse>"
    )


def test_what_an_export_says_was_held_lands_beside_its_transactions(drop: Path, warehouse: str) -> None:
    known(drop)
    put(
        drop,
        "A1/2024-02-20T0000Z_flex.xml",
        flex(POSITION.format(4, "LOT") + POSITION.format(9, "SUMMARY")),
    )
    put(drop, "A1/2024-02-21T0000Z_again.xml", flex(POSITION.format("9.0", "SUMMARY")))
    stated = [load for load in intake.files(FIRST) if load.dataset == "statements"]
    assert [(load.rows_new, load.rows_same, load.rows_rejected) for load in stated] == [(1, 0, 0), (0, 1, 0)]
    assert query(warehouse, STATEMENTS) == [("A1", "ing", "2024-02-19", 9.0, 1)]
    assert all(load.repeated for load in intake.files(FIRST))


def test_a_balance_waits_for_the_name_of_its_instrument_and_short_units_are_rejected(
    drop: Path, warehouse: str
) -> None:
    short = POSITION.format(-2, "SUMMARY").replace("NL0011821202", "US0378331005")
    put(drop, "A1/2024-02-20T0000Z_flex.xml", flex(POSITION.format(9, "SUMMARY") + short))
    intake.files(FIRST)
    found = query(warehouse, "select line, waits_for, reason from raw.rejected_rows order by line")
    assert [(line, waits_for) for line, waits_for, _ in found] == [
        (1, "instrument isin:NL0011821202"),
        (2, None),
    ]
    assert "column units: -2 is negative" in found[1][2]
    known(drop, "2024-03-01T1200Z")
    intake.files(SECOND)
    assert query(warehouse, STATEMENTS) == [("A1", "ing", "2024-02-19", 9.0, 2)]
    assert query(warehouse, "select line from raw.rejected_rows where landed_by is null") == [(2,)]


def test_folios_own_statements_are_a_kind_of_book_file(drop: Path, warehouse: str) -> None:
    known(drop)
    put(
        drop,
        "2024-02-20T0000Z_held.csv",
        "account_key,instrument,statement_date,units\nA1,isin:NL0011821202,2024-02-19,3.5\n"
        "A1,isin:NL0011821202,2024-02-20,many\n",
    )
    [load] = [load for load in intake.files(FIRST) if load.dataset == "statements"]
    assert (load.rows_seen, load.rows_new, load.rows_rejected) == (2, 1, 1)
    assert query(warehouse, STATEMENTS) == [("A1", "ing", "2024-02-19", 3.5, 2)]


def test_a_statement_that_is_still_locked_fails_and_is_not_kept(drop: Path) -> None:
    (drop / "2024-02-20T0000Z_statement.pdf").write_bytes(b"%PDF-1.4")
    [load] = [load for load in intake.files(FIRST) if load.status == "failed"]
    assert "folio books convert" in str(load.reason)
    assert load.payload_sha256 is None
