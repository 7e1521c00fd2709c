"""Figures of the demo followed back: each step holds, and the line of the stored payload has the number."""

import hashlib
import json
import random
import re
import secrets
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from folio.commands.explain import explain as command
from folio.errors import FolioError
from folio.jobs.explain import FIGURES, Source, Step, explain, records_of
from folio.sources import payloads

CENT = Decimal("0.01")
DRAWS = 4


@pytest.fixture
def ask(demo, demo_nights):
    """Ask for a figure's way back on the demo's last night."""
    folder = demo.state / "payloads" / "demo"
    with psycopg.connect(demo_nights, options="-c timezone=UTC") as connection:

        def asked(portfolio: str, figure: str, day: date) -> Step:
            return explain(connection, portfolio, figure, day, folder=folder)

        yield asked


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


def amount(step: Step) -> Decimal:
    return Decimal(step.figure.split()[0])


def numbers(text: str) -> set[Decimal]:
    return {Decimal(found) for found in re.findall(r"\d+(?:\.\d+)?", text)}


def assert_line_holds_the_number(source: Source, folder: Path) -> None:
    """The text is that line of the payload of that hash, and holds what raw has of it."""
    body = payloads.read(folder, source.payload_sha256)
    assert hashlib.sha256(body).hexdigest() == source.payload_sha256
    assert source.text == records_of(body)[source.line - 1].rstrip("\r")
    column = next(
        name for name in ("nav", "close", "units_per_eur", "units", "amount") if source.row.get(name)
    )
    assert Decimal(str(source.row[column])) in numbers(source.text), (source.text, column)


def test_figures_drawn_by_chance_lead_to_lines_that_hold_their_numbers(demo, demo_nights, ask, tell):
    seed = secrets.randbelow(10**6)
    tell(f"seed {seed}")
    chance = random.Random(seed)
    held = rows(
        demo_nights,
        "select portfolio_code, instrument_code, valuation_date, sum(units), sum(tax_cost_account) "
        "from marts.fct_holdings join marts.dim_portfolios using (portfolio_id) "
        "join marts.dim_instruments using (instrument_id) where instrument_kind <> 'cash' "
        "and price_load_id is not null group by 1, 2, 3 order by 1, 2, 3",
    )
    sold = rows(
        demo_nights,
        "select portfolio_code, sale_date, sum(gain_portfolio) from marts.fct_realised_gains "
        "join marts.dim_portfolios using (portfolio_id) group by 1, 2 order by 1, 2",
    )
    periods = rows(
        demo_nights,
        "select portfolio_code, period, end_date, twr, xirr from marts.fct_period_results "
        "join marts.dim_portfolios using (portfolio_id) where twr is not null and xirr is not null "
        "order by 1, 2",
    )
    sources: list[Source] = []
    for portfolio, instrument, day, units, cost in chance.sample(held, DRAWS):
        value = ask(portfolio, "value", day)
        [(known,)] = rows(
            demo_nights,
            "select value_portfolio from marts.fct_portfolio_values_daily "
            "join marts.dim_portfolios using (portfolio_id) "
            "where portfolio_code = %s and valuation_date = %s",
            portfolio,
            day,
        )
        assert amount(value) == known
        assert abs(sum(amount(one) for one in value.inputs) - known) < CENT * max(1, len(value.inputs))
        step = ask(portfolio, f"units:{instrument}", day)
        assert amount(step) == units
        cost_step = ask(portfolio, f"cost:{instrument}", day)
        if len(cost_step.inputs) == 1:
            assert amount(cost_step) == cost
        assert all(lot.inputs for account in cost_step.inputs for lot in account.inputs)
        price = ask(portfolio, f"price:{instrument}", day)
        assert price.source is not None
        assert amount(price) in numbers(price.source.text)
        for one in (value, step, cost_step, price):
            found = one.sources()
            assert found
            sources += chance.sample(found, min(len(found), 10))
    for portfolio, day, gain in chance.sample(sold, DRAWS):
        step = ask(portfolio, "realised_gain", day)
        assert amount(step) == gain
        sources += step.sources()
    for portfolio, period, day, twr, xirr in chance.sample(periods, DRAWS):
        assert amount(ask(portfolio, f"twr:{period}", day)) == twr
        assert amount(ask(portfolio, f"xirr:{period}", day)) == xirr
    for source in sources:
        assert_line_holds_the_number(source, demo.state / "payloads" / "demo")
    tell(f"{len(sources)} lines held their numbers")


def test_the_command_prints_the_way_and_gives_it_as_json(demo, demo_nights):
    import typer

    app = typer.Typer()
    app.command()(command)
    [(portfolio, day)] = rows(
        demo_nights,
        "select portfolio_code, max(valuation_date) from marts.fct_portfolio_values_daily "
        "join marts.dim_portfolios using (portfolio_id) where value_portfolio is not null "
        "group by 1 order by 1 limit 1",
    )
    with demo.copy(len(demo.nights)):
        shown = CliRunner().invoke(app, [portfolio, "value", str(day)], catch_exceptions=False)
        told = CliRunner().invoke(app, [portfolio, "value", str(day), "--json"], catch_exceptions=False)
    for said in ("marts.fct_portfolio_values_daily.value_portfolio", "load ", "sha256 ", "line "):
        assert said in shown.output
    assert json.loads(told.output)["what"] == f"value on {day}"


def test_what_is_not_there_is_said(ask):
    for portfolio, figure, day, reason in (
        ("NOBODY", "value", date(2013, 2, 28), "No portfolio 'NOBODY'"),
        ("P07A", "colour", date(2013, 2, 28), f"known are {', '.join(FIGURES)}"),
        ("P07A", "value", date(1990, 1, 1), "No value of the portfolio is published for 1990-01-01"),
        ("P07A", "units", date(2013, 2, 28), "units:KEY"),
        ("P07A", "twr:7Y", date(2013, 2, 28), "No twr of period 7Y"),
    ):
        with pytest.raises(FolioError, match=re.escape(reason)):
            ask(portfolio, figure, day)
