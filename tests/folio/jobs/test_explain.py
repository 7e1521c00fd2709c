"""Figures followed back on a small published book, to the line of the payload that has their number."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
import typer
import yaml
from psycopg import sql
from typer.testing import CliRunner

from folio.commands.explain import explain as command
from folio.errors import FolioError
from folio.jobs.explain import FIGURES, Step, explain, records_of
from folio.settings import ROOT, settings
from folio.sources import payloads
from folio.store import publish

D = Decimal
DAY = date(2024, 3, 28)
OBSERVED = datetime(2024, 3, 28, 21, 0, tzinfo=UTC)
PORTFOLIO, ACCOUNT, SHARE, CASH, LOT, SALE, BUY, DEPOSIT = (UUID(int=number) for number in range(1, 9))
MARTS = (
    "dim_portfolios", "dim_accounts", "dim_instruments", "fct_transactions", "fct_positions",
    "fct_cash_balances", "fct_tax_lots", "fct_realised_gains", "fct_prices_daily", "fct_fx_rates_daily",
    "fct_corporate_actions", "fct_portfolio_values_daily", "fct_period_results",
)  # fmt: skip
BOOK = (
    "account_key,external_id,kind,trade_date,instrument,units,amount,currency\n"
    "A1,1,deposit,2024-01-02,,,1000.00,USD\n"
    "A1,2,buy,2024-01-03,share,10,800.00,USD\n"
    "A1,3,sell,2024-03-28,share,4,400.00,USD\n"
)
PRICES = {"results": [{"T": "OTHER", "c": 1}, {"T": "SHARE", "c": 101.5}], "status": "OK"}
RATES = "Date,USD\n2024-03-28,1.25\n"


class Published:
    """Versions put into history by hand, in the columns of the marts' contracts."""

    def __init__(self, connection: psycopg.Connection[Any], folder: Path) -> None:
        self.connection, self.folder = connection, folder
        contracts = {
            model["name"]: model["columns"]
            for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*__models.yml")
            for model in yaml.safe_load(path.read_text())["models"]
        }
        for name in MARTS:
            columns = ", ".join(f"{one['name']} {one['data_type']}" for one in contracts[name])
            connection.execute(
                f"create table history.{name} ({columns}, publication_id uuid, known_from timestamptz "  # type: ignore[arg-type]
                "default '2024-03-29T03:00Z', known_to timestamptz)"
            )
            connection.execute(f"create view marts.{name} as select * from history.{name}")  # type: ignore[arg-type]
        connection.execute((Path(publish.__file__).parent / "holdings_on.sql").read_bytes())

    def load(self, source: str, table: str, request: str, body: str) -> UUID:
        """A load with its payload in the store."""
        load_id = uuid5(PORTFOLIO, source)
        sha256 = payloads.store(self.folder, body.encode())
        self.connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, raw_table, "
            "payload_sha256, observed_at) values (%s, %s, 'by hand', 'slot', 1, %s, 'loaded', %s, %s, %s)",
            [load_id, source, request, table, sha256, OBSERVED],
        )
        return load_id

    def add(self, relation: str, **values: object) -> None:
        """One row."""
        schema, name = relation.split(".") if "." in relation else ("history", relation)
        self.connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(schema, name),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join([sql.Placeholder()] * len(values)),
            ),
            list(values.values()),
        )

    def booking(self, transaction_id: UUID, line: int, kind: str, day: str, amount: int, units: int) -> None:
        """A booking in raw and as a mart shows it."""
        instrument = {"instrument_key": "share", "units": units} if units else {}
        self.add(
            "raw.book_transactions", transaction_key=str(line), transaction_id=transaction_id,
            account_key="A1", kind=kind, trade_date=day, amount=amount, currency="USD", fee=0, tax=0,
            status="settled", observed_at=OBSERVED, known_basis="observed", load_id=self.book, line=line,
            **instrument,
        )  # fmt: skip
        self.add(
            "fct_transactions", transaction_id=transaction_id, account_id=ACCOUNT, portfolio_id=PORTFOLIO,
            instrument_id=SHARE if units else None, kind=kind, status="settled", trade_date=day,
            units=units or None, amount_account=amount, account_currency="USD",
            net_cash_account=amount if kind in ("deposit", "sell") else -amount, is_rejected=False,
            load_id=self.book, source_line=line,
        )  # fmt: skip

    def fill(self) -> None:
        """A deposit, ten shares bought and four sold, in dollars; the portfolio is in euros."""
        self.book = self.load("books", "book_transactions", "book.csv", BOOK)
        quotes = self.load("polygon", "polygon_daily_bars", "https://prices.example/bars", json.dumps(PRICES))
        rates = self.load("ecb", "ecb_fx_rates", "https://rates.example/daily", RATES)
        self.add(
            "history.publications", publication_id=PORTFOLIO, ordinal=1, night="2024-03-29T0300Z",
            instant="2024-03-29T03:00Z", valuation_date=DAY, known_at="2024-03-29T03:00Z", rows_opened=1,
            rows_closed=0, changes="{}",
        )  # fmt: skip
        known = {"observed_at": OBSERVED, "known_basis": "observed"}
        self.add(
            "raw.polygon_daily_bars", session_date=DAY, ticker="SHARE", close=D("101.5"), load_id=quotes,
            line=2, **known,
        )  # fmt: skip
        self.add(
            "raw.ecb_fx_rates", rate_date=DAY, currency_code="USD", units_per_eur=D("1.25"), load_id=rates,
            line=2, **known,
        )  # fmt: skip
        self.booking(DEPOSIT, 2, "deposit", "2024-01-02", 1000, 0)
        self.booking(BUY, 3, "buy", "2024-01-03", 800, 10)
        self.booking(SALE, 4, "sell", "2024-03-28", 400, 4)
        self.add("dim_portfolios", portfolio_id=PORTFOLIO, portfolio_code="P1", portfolio_currency="EUR")
        self.add(
            "dim_accounts", account_id=ACCOUNT, account_code="A1", portfolio_id=PORTFOLIO,
            account_currency="USD",
        )  # fmt: skip
        for instrument, code, kind in ((SHARE, "share", "equity"), (CASH, "cash:USD", "cash")):
            self.add(
                "dim_instruments", instrument_id=instrument, instrument_code=code, instrument_kind=kind,
                local_currency="USD",
            )  # fmt: skip
        self.add(
            "fct_positions", account_id=ACCOUNT, portfolio_id=PORTFOLIO, instrument_id=SHARE,
            lot_method="fifo", valid_from=DAY, units=6, price_cost_account=480, tax_cost_account=480,
            account_currency="USD",
        )  # fmt: skip
        self.add(
            "fct_cash_balances", account_id=ACCOUNT, portfolio_id=PORTFOLIO, account_currency="USD",
            valid_from=DAY, balance_account=600,
        )  # fmt: skip
        self.add(
            "fct_tax_lots", lot_id=LOT, account_id=ACCOUNT, portfolio_id=PORTFOLIO, instrument_id=SHARE,
            acquisition_date="2024-01-03", opened_on="2024-01-03", opening_transaction_id=BUY,
            units_acquired=10, units_open=6, tax_cost_open_account=480, account_currency="USD",
            valuation_date=DAY,
        )  # fmt: skip
        self.add(
            "fct_realised_gains", closing_transaction_id=SALE, lot_id=LOT, account_id=ACCOUNT,
            portfolio_id=PORTFOLIO, instrument_id=SHARE, acquisition_date="2024-01-03", sale_date=DAY,
            units=4, proceeds_account=400, tax_cost_account=320, gain_account=80, gain_portfolio=64,
            account_currency="USD", portfolio_currency="EUR",
        )  # fmt: skip
        self.add(
            "fct_prices_daily", instrument_id=SHARE, valuation_date=DAY, price_local=D("101.5"),
            local_currency="USD", price_date=DAY, price_source="polygon", days_carried=0,
            price_load_id=quotes, price_line=2, quality="ok",
        )  # fmt: skip
        for pair, rate in ((("USD", "EUR"), D("0.8")), (("USD", "USD"), 1)):
            self.add(
                "fct_fx_rates_daily", from_currency=pair[0], to_currency=pair[1], valuation_date=DAY,
                rate=rate, rate_date=DAY, days_carried=0, rate_load_id=rates, quality="ok",
            )  # fmt: skip
        self.add(
            "fct_portfolio_values_daily", portfolio_id=PORTFOLIO, valuation_date=DAY,
            value_portfolio=D("967.2"), net_flow_portfolio=0, portfolio_currency="EUR",
        )  # fmt: skip
        self.add(
            "fct_portfolio_values_daily", portfolio_id=PORTFOLIO, valuation_date="2024-01-02",
            value_portfolio=800, net_flow_portfolio=800, portfolio_currency="EUR",
        )  # fmt: skip
        self.add(
            "fct_period_results", portfolio_id=PORTFOLIO, period="ITD", start_date="2024-01-01",
            end_date=DAY, initial_value_portfolio=0, twr=D("0.209"), xirr=D("1.2"), portfolio_currency="EUR",
        )  # fmt: skip


Ask = Callable[[str, str], Step]


@pytest.fixture
def ask(warehouse: str) -> Iterator[Ask]:
    folder = settings().payload_folder
    with psycopg.connect(warehouse, options="-c timezone=UTC") as connection:
        Published(connection, folder).fill()
        connection.commit()
        yield lambda portfolio, figure: explain(connection, portfolio, figure, DAY, folder=folder)


def texts(step: Step) -> list[str | None]:
    return [source.text for source in step.sources()]


BOOKED = BOOK.splitlines()


def test_a_value_leads_to_units_prices_rates_and_cash(ask: Ask) -> None:
    value = ask("P1", "value")
    assert value.figure == "967.2 EUR"
    assert value.cell is not None
    assert value.cell.startswith("marts.fct_portfolio_values_daily.value_portfolio where portfolio_id = ")
    cash, share = value.inputs
    assert (cash.figure, share.figure) == ("480 EUR", "487.2 EUR")
    assert texts(cash)[:3] == BOOKED[1:]
    units, price, rate = share.inputs
    assert (units.figure, price.figure, rate.figure) == ("6", "101.5 USD", "0.8")
    assert texts(units) == BOOKED[2:]
    assert (texts(price), texts(rate)) == (['{"T": "SHARE", "c": "101.5"}'], ["2024-03-28,1.25"])


def test_what_is_on_its_way_counts_with_cash_and_leads_to_what_was_sent(ask: Ask, warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute("update history.fct_cash_balances set in_transit_account = 25")
        connection.execute(
            "update history.fct_transactions set in_transit_until = '2024-04-02' where transaction_id = %s",
            [SALE],
        )
    cash, _ = ask("P1", "value").inputs
    assert cash.figure == "500 EUR"
    [sent] = [step for step in cash.inputs if step.what.startswith("on its way")]
    assert (sent.figure, texts(sent)) == ("25 USD", [BOOKED[3]])


def test_a_source_is_row_file_line_load_and_hash(ask: Ask) -> None:
    source = ask("P1", "price:share").source
    assert source is not None
    assert (source.table, source.line, source.file) == (
        "raw.polygon_daily_bars",
        2,
        "https://prices.example/bars",
    )
    assert source.row["close"] == D("101.5")
    body = payloads.read(settings().payload_folder, source.payload_sha256)
    assert records_of(body)[source.line - 1] == source.text


def test_units_cost_and_gains_lead_to_bookings_through_lots(ask: Ask) -> None:
    [held] = ask("P1", "units:share").inputs
    assert (held.figure, texts(held)) == ("6", BOOKED[2:])
    cost = ask("P1", "cost:share")
    assert cost.figure == "480 USD"
    [[lot]] = [account.inputs for account in cost.inputs]
    assert (lot.figure, texts(lot)) == ("480 USD", [BOOKED[2]])
    for figure in ("realised_gain", "realised_gain:share"):
        gain = ask("P1", figure)
        assert (gain.figure, texts(gain)) == ("64 EUR", [BOOKED[3], BOOKED[2]])


def test_returns_lead_to_flows_and_the_last_value(ask: Ask) -> None:
    for name, figure in (("twr", "0.209"), ("xirr:ITD", "1.2")):
        step = ask("P1", name)
        assert step.figure == figure
        first, flow, last = step.inputs
        assert (first.figure, flow.figure, last.figure) == ("0 EUR", "800 EUR", "967.2 EUR")
        assert texts(flow) == [BOOKED[1]]


@pytest.mark.parametrize(
    ("portfolio", "figure", "reason"),
    [
        ("P9", "value", "No portfolio 'P9'"),
        ("P1", "colour", f"known are {', '.join(FIGURES)}"),
        ("P1", "units", "units:KEY"),
        ("P1", "units:cash:USD", "not held"),
        ("P1", "twr:7Y", "No twr of period 7Y"),
        ("P1", "realised_gain:other", "Nothing of other was sold"),
    ],
)
def test_what_is_not_there_is_said(ask: Ask, portfolio: str, figure: str, reason: str) -> None:
    with pytest.raises(FolioError, match=reason):
        ask(portfolio, figure)


def test_the_command_prints_the_way_and_gives_it_as_json(ask: Ask) -> None:
    app = typer.Typer()
    app.command()(command)
    shown = CliRunner().invoke(app, ["P1", "value", str(DAY)], catch_exceptions=False).output
    for said in ("fct_portfolio_values_daily", BOOKED[2], "book.csv, line 3", "load ", "sha256 "):
        assert said in shown
    told = CliRunner().invoke(app, ["P1", "value", str(DAY), "--json"], catch_exceptions=False).output
    assert json.loads(told)["figure"] == "967.2 EUR"


def test_lines_of_a_payload_are_counted_as_its_reader_counts_them() -> None:
    nested = [{"results": [{"a": 1}]}, {"results": [{"a": 2, "b": {"c": 3}}]}, {"results": []}]
    assert records_of(json.dumps(nested).encode()) == ['{"a": 1}', '{"a": 2, "b": {"c": 3}}']
    assert records_of("\ufeffa\r\nb".encode()) == ["a\r", "b"]
