"""Alerts and mails of a night, on a real database and mail server: opened once and sent once."""

import email
import email.policy
import logging
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from folio.delivery.mail.catcher import Catcher
from folio.errors import DeliveryError
from folio.jobs import alerts, mail
from folio.settings import settings

LOAD = uuid.UUID(int=99)
INVESTORS = {"ada": uuid.UUID(int=1), "bob": uuid.UUID(int=2)}
PORTFOLIOS = {"ada": uuid.UUID(int=11), "bob": uuid.UUID(int=12)}
FUND = uuid.UUID(int=21)
NIGHTS = ["2013-02-27T0300Z", "2013-02-28T0300Z", "2013-03-01T0300Z", "2013-03-02T0300Z"]

BUILT = """
create table build.dim_portfolios (portfolio_id uuid, var_limit numeric(20, 12));
create table build.fct_risk_measures (
    portfolio_id uuid, valuation_date date, measure text, basis text, method text, confidence numeric(6, 4),
    horizon_days integer, window_days integer, value numeric(20, 12), quality text
);
"""
SERVED = """
create table marts.dim_portfolios (
    portfolio_id uuid, portfolio_code text, portfolio_name text, portfolio_currency text, investor_id uuid
);
create table marts.dim_instruments (instrument_id uuid, instrument_name text, instrument_kind text);
create table marts.fct_holdings (
    portfolio_id uuid, instrument_id uuid, valuation_date date, units numeric(38, 18),
    value_portfolio numeric(28, 8), weight numeric(20, 12), price_date date
);
create table marts.fct_allocations (
    portfolio_id uuid, valuation_date date, dimension text, bucket text, weight numeric(20, 12)
);
create table marts.fct_portfolio_values_daily (
    portfolio_id uuid, valuation_date date, value_portfolio numeric(28, 8), net_flow_portfolio numeric(28, 8),
    gains_portfolio numeric(28, 8), income_portfolio numeric(28, 8), fees_portfolio numeric(28, 8),
    taxes_portfolio numeric(28, 8), currency_effect_portfolio numeric(28, 8), daily_return numeric(20, 12)
);
create view marts.fct_alerts as select * from computed.alerts;
"""


@pytest.fixture
def database(warehouse):
    with psycopg.connect(warehouse, autocommit=True) as connection:
        connection.execute(BUILT)
        yield connection


@pytest.fixture
def served(database):
    """A published history of two portfolios up to the first of the nights; Bob has no address."""
    database.execute(SERVED)
    known_at = datetime(2013, 2, 27, 3, 0, tzinfo=UTC)
    database.execute(
        "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status)"
        " values (%s, 'books', 'investors', 'x', 1, 'x', 'running')",
        (LOAD,),
    )
    for name, address, seen in (
        ("ada", "old@example.com", known_at - timedelta(days=9)),
        ("ada", "ada@example.com", known_at - timedelta(days=1)),
        ("ada", "future@example.com", known_at + timedelta(days=400)),
        ("bob", None, known_at - timedelta(days=1)),
    ):
        database.execute(
            """
            insert into raw.book_investors
            values (%s, 'h', 't', %s, %s, 'IN', 'balanced', %s, 'observed', %s, 2)
            """,
            (name, name.title(), address, seen, LOAD),
        )
    database.execute("insert into marts.dim_instruments values (%s, 'Demo fund', 'fund')", (FUND,))
    for name, portfolio in PORTFOLIOS.items():
        database.execute(
            "insert into raw.identities values ('investor', %s, %s, %s)", (name, INVESTORS[name], LOAD)
        )
        database.execute(
            "insert into marts.dim_portfolios values (%s, %s, %s, 'INR', %s)",
            (portfolio, name, f"Savings of {name}", INVESTORS[name]),
        )
        database.execute(
            """
            insert into marts.fct_portfolio_values_daily
            select %s, day, 1000 + n, 0, 1, 0, 0, 0, 0, 1 / (999.0 + n)
            from generate_series(date '2012-12-01', date '2013-03-02', '1 day')
                 with ordinality as days (day, n)
            """,
            (portfolio,),
        )
        database.execute(
            "insert into marts.fct_holdings values (%s, %s, '2013-02-28', 5, 1090, 1, '2013-02-27')",
            (portfolio, FUND),
        )
        database.execute(
            "insert into marts.fct_allocations values (%s, '2013-02-28', 'asset_class', 'equity', 1)",
            (portfolio,),
        )
    return database


@pytest.fixture
def catcher(tmp_path, monkeypatch, warehouse):
    with Catcher(tmp_path / "mail") as running:
        monkeypatch.setenv("FOLIO_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("FOLIO_SMTP_PORT", str(running.port))
        settings.cache_clear()
        yield running
        settings.cache_clear()


def measure(database, night, value, quality="ok", limit="0.02", **others) -> None:
    """Put the built figure of Ada's portfolio for a night in the place of what was there."""
    row = {
        "measure": "var",
        "basis": "current_holdings",
        "method": "historical",
        "confidence": Decimal("0.95"),
        "horizon": 1,
    } | others
    day = mail.Night.parse(night).valuation_date
    database.execute("truncate build.dim_portfolios, build.fct_risk_measures")
    database.execute("insert into build.dim_portfolios values (%s, %s)", (PORTFOLIOS["ada"], limit))
    database.execute(
        "insert into build.fct_risk_measures values (%s, %s, %s, %s, %s, %s, %s, 500, %s, %s)",
        (PORTFOLIOS["ada"], day, *row.values(), value, quality),
    )


def publish(database, night) -> None:
    this = mail.Night.parse(night)
    database.execute(
        """
        insert into history.publications
            (publication_id, ordinal, night, instant, valuation_date, known_at,
             rows_opened, rows_closed, changes)
        select gen_random_uuid(), count(*) + 1, %s, %s, %s, %s, 1, 0, '{}' from history.publications
        """,
        (this.id, this.instant, this.valuation_date, this.instant),
    )


def episodes(database):
    return database.execute(
        "select opened_night, closed_night, observed, threshold from computed.alerts order by opened_night"
    ).fetchall()


def test_an_episode_opens_once_stays_open_and_closes(database):
    for night, value in zip(NIGHTS, ("0.03", "0.04", "0.01", "0.05"), strict=True):
        measure(database, night, value)
        alerts.evaluate(night)
    assert episodes(database) == [
        (NIGHTS[0], NIGHTS[2], Decimal("0.03"), Decimal("0.02")),
        (NIGHTS[3], None, Decimal("0.05"), Decimal("0.02")),
    ]


@pytest.mark.parametrize("last", range(4))
def test_running_a_night_twice_leaves_the_same_rows(database, last):
    for night, value in zip(NIGHTS[: last + 1], ("0.03", "0.04", "0.01", "0.05")[: last + 1], strict=True):
        measure(database, night, value)
        alerts.evaluate(night)
    first = database.execute("select * from computed.alerts order by alert_id").fetchall()
    alerts.evaluate(NIGHTS[last])
    assert database.execute("select * from computed.alerts order by alert_id").fetchall() == first


def test_a_night_corrected_takes_its_own_verdict_back(database):
    measure(database, NIGHTS[0], "0.03")
    alerts.evaluate(NIGHTS[0])
    measure(database, NIGHTS[1], "0.01")
    alerts.evaluate(NIGHTS[1])
    measure(database, NIGHTS[1], "0.03")
    alerts.evaluate(NIGHTS[1])
    assert episodes(database) == [(NIGHTS[0], None, Decimal("0.03"), Decimal("0.02"))]


@pytest.mark.parametrize(
    "figure",
    [
        {"value": None},
        {"value": "0.9", "quality": "incomplete"},
        {"value": "0.9", "limit": None},
        {"value": "0.9", "basis": "actual_history"},
        {"value": "0.9", "measure": "cvar"},
        {"value": "0.9", "confidence": Decimal("0.99")},
        {"value": "0.9", "horizon": 10},
    ],
)
def test_no_alert_comes_from_a_figure_that_is_unknown_or_another(database, figure):
    measure(database, NIGHTS[0], **figure)
    alerts.evaluate(NIGHTS[0])
    assert episodes(database) == []


def test_an_unknown_figure_leaves_an_open_episode_open(database):
    measure(database, NIGHTS[0], "0.03")
    alerts.evaluate(NIGHTS[0])
    measure(database, NIGHTS[1], "0.01", quality="incomplete")
    alerts.evaluate(NIGHTS[1])
    assert episodes(database)[0][:2] == (NIGHTS[0], None)


def test_an_alert_is_mailed_once_over_the_nights_it_stays_open(served, catcher):
    for night in NIGHTS[:3]:
        measure(served, night, "0.03")
        alerts.evaluate(night)
        publish(served, night)
        mail.send_alerts(night)
        mail.send_alerts(night)
    (kept,) = catcher.mails()
    message = email.message_from_bytes(kept.read_bytes(), policy=email.policy.default)
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == "Savings of ada: risk above its limit"
    assert "3.00" in message.get_body(("plain",)).get_content()


def test_what_is_not_published_is_not_mailed(served, catcher):
    measure(served, NIGHTS[0], "0.03")
    alerts.evaluate(NIGHTS[0])
    assert mail.send_alerts(NIGHTS[0]) == mail.send_monthly_reports(NIGHTS[0]) == mail.Mailed()
    assert catcher.mails() == []


def test_an_alert_that_closed_before_its_mail_is_not_sent(served, catcher):
    for night, value in zip(NIGHTS, ("0.03", "0.01"), strict=False):
        measure(served, night, value)
        alerts.evaluate(night)
    publish(served, NIGHTS[1])
    assert mail.send_alerts(NIGHTS[1]) == mail.Mailed()


def test_the_nights_of_the_demo_send_one_report_a_portfolio_for_february(served, catcher, caplog):
    caplog.set_level(logging.DEBUG, logger="folio")
    runs = []
    for night in NIGHTS:
        publish(served, night)
        runs.append(mail.send_monthly_reports(night))
        assert mail.send_monthly_reports(night).written == 0
    assert [run.written for run in runs] == [0, 0, 1, 0]
    assert [run.without_address for run in runs] == [0, 0, 1, 1]
    (kept,) = catcher.mails()
    message = email.message_from_bytes(kept.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == "Savings of ada: February 2013"
    words = message.get_body(("plain",)).get_content().replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "INR 1,090.00",
        "Close of 31 Jan 2013: INR 1,062.00",
        "+INR 28.00",
        "+2.64 %",
        "+5.72 %",
        "carried",
    ):
        assert part in words
    assert len([part for part in message.walk() if part.get_content_type() == "image/png"]) == 2
    assert not any("example.com" in r.getMessage() for r in caplog.records if r.name.startswith("folio"))


def test_a_month_end_night_that_was_not_published_is_made_up_for(served, catcher):
    for night in (NIGHTS[1], NIGHTS[3]):
        publish(served, night)
        mail.send_monthly_reports(night)
    assert len(catcher.mails()) == 1


def test_mails_wait_for_a_server_that_is_away_and_go_out_once_when_it_is_back(served, catcher, monkeypatch):
    publish(served, NIGHTS[2])
    port = settings().smtp_port
    monkeypatch.setenv("FOLIO_SMTP_PORT", "1")
    settings.cache_clear()
    for _ in range(2):
        with pytest.raises(DeliveryError, match="wait"):
            mail.send_monthly_reports(NIGHTS[2])
    monkeypatch.setenv("FOLIO_SMTP_PORT", str(port))
    settings.cache_clear()
    assert mail.send_monthly_reports(NIGHTS[2]) == mail.Mailed(sent=1, without_address=1)
    assert len(catcher.mails()) == 1


def test_a_portfolio_without_history_in_the_month_gets_no_report(served, catcher):
    served.execute("delete from marts.fct_portfolio_values_daily where valuation_date <= date '2013-02-28'")
    publish(served, NIGHTS[2])
    assert mail.send_monthly_reports(NIGHTS[2]).written == 0
    assert date(2013, 2, 28) == mail.Night.parse(NIGHTS[2]).valuation_date
