"""The advice job on a real database: who gets advice, from which cells, and running it again."""

import json
import threading
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from folio.books.identity import surrogate_id
from folio.jobs import advice
from folio.settings import settings
from folio.store import warehouse as store

D = Decimal
NIGHT = "2013-03-01T0300Z"
DAY = date(2013, 2, 28)

TABLES = """
create table build.dim_portfolios (portfolio_id uuid, tax_unit_id uuid, portfolio_currency text,
    drift_band numeric(20, 12));
create table build.dim_accounts (account_id uuid, portfolio_id uuid, account_currency text);
create table build.dim_instruments (instrument_id uuid, instrument_code text, instrument_name text,
    instrument_kind text);
create table build.fct_account_values_daily (account_id uuid, valuation_date date,
    value_account numeric(28, 8));
create table build.fct_portfolio_values_daily (portfolio_id uuid, valuation_date date,
    value_portfolio numeric(28, 8), quality text);
create table build.fct_period_results (portfolio_id uuid, period text, end_date date, twr numeric(20, 12));
create table build.fct_risk_measures (portfolio_id uuid, valuation_date date, measure text, basis text,
    method text, confidence numeric(6, 4), horizon_days integer, window_days integer, value numeric(20, 12));
create table build.fct_holdings (account_id uuid, portfolio_id uuid, instrument_id uuid, valuation_date date,
    value_account numeric(28, 8), weight numeric(20, 12));
create table build.fct_allocations (portfolio_id uuid, valuation_date date, dimension text, bucket text,
    target_weight numeric(20, 12));
"""


def of(kind, name):
    return surrogate_id(kind, name)


@pytest.fixture
def book(warehouse):
    """An account to be rebalanced, one whose portfolio has no value tonight, and one that is empty."""
    portfolio, account, plan = of("portfolio", "p"), of("account", "a"), of("plan", "x")
    ibm, cash = of("instrument", "IBM"), of("instrument", "cash:USD")
    rows = {
        "build.dim_portfolios": [
            (portfolio, of("tax_unit", "t"), "USD", D("0.05")),
            (of("portfolio", "gap"), of("tax_unit", "u"), "USD", D("0.05")),
        ],
        "build.dim_accounts": [
            (account, portfolio, "USD"),
            (of("account", "gap"), of("portfolio", "gap"), "USD"),
            (of("account", "empty"), of("portfolio", "gap"), "USD"),
        ],
        "build.dim_instruments": [
            (ibm, "IBM", "Big Blue 100", "equity"),
            (cash, "cash:USD", "US dollars", "cash"),
        ],
        "build.fct_account_values_daily": [(account, DAY, D(21_000))],
        "build.fct_portfolio_values_daily": [
            (portfolio, DAY, D(21_000), "ok"),
            (of("portfolio", "gap"), DAY, None, "incomplete"),
        ],
        "build.fct_period_results": [(portfolio, "YTD", DAY, D("0.034")), (portfolio, "1Y", DAY, D("-0.01"))],
        "build.fct_risk_measures": [
            (portfolio, DAY, "var", "current_holdings", "historical", D("0.95"), 1, 500, D("0.0213")),
            (portfolio, DAY, "var", "actual_history", "historical", D("0.95"), 1, 500, D("0.9")),
        ],
        "build.fct_holdings": [
            (account, portfolio, ibm, DAY, D(20_000), D("0.952380952381")),
            (account, portfolio, cash, DAY, D(1_000), D("0.047619047619")),
            (of("account", "gap"), of("portfolio", "gap"), ibm, DAY, None, None),
        ],
        "build.fct_allocations": [(portfolio, DAY, "instrument", "IBM", D("0.5"))],
    }
    with store.connect() as connection:
        connection.execute(TABLES)
        for table, values in rows.items():
            marks = ", ".join(["%s"] * len(values[0]))
            connection.cursor().executemany(f"insert into {table} values ({marks})", values)
        connection.execute(
            "insert into computed.rebalance_plans values"
            " (%s, %s, %s, %s, 'planned', 'inside the band', 20, 19, 0.05, 0.45, 0.05,"
            " 18.5, 18.6, 'EUR', 0.0005)",
            (plan, of("tax_unit", "t"), NIGHT, DAY),
        )
        connection.execute(
            "insert into computed.rebalance_orders values"
            " (%s, %s, %s, %s, %s, 'sell', 10, 200, 'USD', 2000, 'USD', 'r')",
            (of("order", "o"), plan, portfolio, account, ibm),
        )
    return warehouse


def stored(query):
    with store.connect() as connection:
        return connection.execute(query).fetchall()


def all_rows():
    return (
        stored("select * from computed.recommendations order by account_id, rank"),
        stored("select * from computed.advice_calls order by call_id"),
    )


@pytest.fixture
def model(book, monkeypatch):
    """A configured endpoint that answers with the text put in the list it yields, or 500 when empty."""
    answers, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            message = {"role": "assistant", "content": answers[0] if answers else ""}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = json.dumps(
                {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            )
            self.send_response(200 if answers else 500)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("FOLIO_LLM_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("FOLIO_LLM_MODEL", "local")
    settings.cache_clear()
    yield answers, asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_accounts_with_holdings_get_ranked_advice_from_the_marts(book):
    assert advice.write(NIGHT) == {"recommendations": 4, "calls": 0, "deterministic": 2}
    ranked = stored(
        "select rank, action from computed.recommendations"
        f" where account_id = '{of('account', 'a')}' order by rank"
    )
    assert ranked == [(1, "concentration_cut"), (2, "rebalance"), (3, "hold")]
    (body,) = stored("select body from computed.recommendations where action = 'rebalance'")[0]
    assert "45.0 %" in body and "EUR 18.50" in body
    (body,) = stored(
        f"select body from computed.recommendations where account_id = '{of('account', 'a')}' and rank = 3"
    )[0]
    assert "USD 21,000.00" in body and "2.1 %" in body and "-1.0 %" in body


def test_an_account_of_an_incomplete_portfolio_is_only_told_to_wait(book):
    advice.write(NIGHT)
    told = stored(
        f"select action, body from computed.recommendations where account_id = '{of('account', 'gap')}'"
    )
    assert told == [("hold", "Not every holding has a price tonight, so nothing is proposed.")]


def test_every_fact_is_kept_with_its_cell_and_every_check_by_name(book):
    advice.write(NIGHT)
    facts, checks = stored(
        "select facts, checks from computed.recommendations where action = 'concentration_cut'"
    )[0]
    weight = next(fact for fact in facts if fact["fact_id"] == "largest_weight")
    assert weight["value"] == "0.952380952381"
    assert weight["source"]["relation"] == "fct_holdings"
    assert weight["source"]["key"]["valuation_date"] == "2013-02-28"
    assert "numbers" in checks["passed"]


def test_writing_a_night_twice_leaves_the_same_rows_and_another_night_alone(book):
    advice.write(NIGHT)
    first = all_rows()
    assert advice.write(NIGHT)["kept"] == 2
    assert all_rows() == first
    advice.write("2013-02-27T0300Z")
    assert all_rows() == first


def test_a_changed_figure_is_written_anew_and_a_vanished_account_loses_its_advice(book):
    advice.write(NIGHT)
    with store.connect() as connection:
        connection.execute("update build.fct_account_values_daily set value_account = 22000")
        connection.execute("delete from build.fct_holdings where value_account is null")
    assert advice.write(NIGHT) == {"recommendations": 3, "calls": 0, "deterministic": 1}
    assert len(stored("select distinct account_id from computed.recommendations")) == 1
    assert stored("select 1 from computed.recommendations where body like '%22,000.00%'")


def test_a_configured_model_writes_and_a_second_run_asks_nothing(model):
    answers, asked = model
    actions = ["rebalance", "concentration_cut", "hold"]
    items = [{"menu_id": a, "headline": "Do it", "body": "Drift is {drift_before}."} for a in actions]
    answers.append(json.dumps({"recommendations": items}))
    counts = advice.write(NIGHT)
    assert (counts["model"], counts["deterministic"], counts["calls"]) == (1, 1, 3)
    (writer,) = stored("select distinct writer from computed.recommendations where rank = 2")
    assert writer == ("model",)
    assert sorted(v == ("passed",) for v in stored("select verdict from computed.advice_calls")) == [
        False,
        False,
        True,
    ]
    first, questions = all_rows(), len(asked)
    assert advice.write(NIGHT)["kept"] == 2
    assert all_rows() == first
    assert len(asked) == questions


def test_an_outage_leaves_fixed_sentences_and_a_refresh_asks_again(model):
    _, asked = model
    assert advice.write(NIGHT)["deterministic"] == 2
    verdicts = stored("select distinct verdict from computed.advice_calls")
    assert verdicts == [("no answer: HTTP 500",)]
    questions = len(asked)
    advice.write(NIGHT, refresh=True)
    assert len(asked) > questions
