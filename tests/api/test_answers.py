"""Every answer names its publication, is one snapshot, and may be as of a day and as known at an instant."""

import csv
import io
import threading
import uuid
from decimal import Decimal

import psycopg
import pytest

from folio.store import warehouse as connections

ROUTES = [
    "/portfolios", "/portfolios/PF-1", "/accounts", "/accounts/ACC-1", "/funds", "/funds/100001",
    "/market/prices/AAPL", "/market/history/AAPL", "/restatements", "/freshness", "/publications",
    *(
        f"/portfolios/PF-1/{part}"
        for part in (
            "holdings", "values", "performance", "risk", "sectors", "allocations", "transactions", "lots",
            "gains", "rebalance", "recommendations", "alerts", "restatements",
        )
    ),
    *(f"/accounts/ACC-1/{part}" for part in ("holdings", "transactions", "lots", "gains", "recommendations")),
]  # fmt: skip
LISTS = [
    route for route in ROUTES if not route.endswith(("PF-1", "ACC-1", "100001", "prices/AAPL", "freshness"))
]


def get(client, path, **options):
    return client.get(f"/api/v1{path}", **options)


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_names_its_publication_and_has_data(asha, served, path):
    answer = get(asha, path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["publication"] == {
        "publication_id": str(served.second.publication_id),
        "night": served.second.night,
        "valuation_date": "2013-02-27",
        "known_at": "2013-02-28T03:00:00Z",
    }
    assert body["data"]
    assert ("page" in body) and (path not in LISTS or isinstance(body["data"], list))


def test_decimals_travel_as_strings_with_all_their_digits(asha):
    holding = get(asha, "/portfolios/PF-1/holdings").json()["data"][0]
    assert holding["units"] == "10.000000000000000000"
    assert holding["value_portfolio"] == "4445.70000000"
    assert holding["instrument_code"] == "AAPL"
    assert holding["account_code"] == "ACC-1"


def test_as_of_gives_the_holdings_of_that_day_and_says_which(asha):
    body = get(asha, "/portfolios/PF-1/holdings", params={"as_of": "2013-02-26"}).json()
    assert body["valuation_date"] == "2013-02-26"
    assert body["data"][0]["price_local"] == "448.9700000000"
    later = get(asha, "/portfolios/PF-1/holdings", params={"as_of": "2013-03-09"}).json()
    assert later["valuation_date"] == "2013-02-27"
    assert get(asha, "/portfolios/PF-1/holdings", params={"as_of": "2001-01-01"}).json()["data"] == []


@pytest.mark.parametrize("path", ["/portfolios/PF-1/holdings", "/accounts/ACC-1/holdings"])
def test_holdings_of_a_day_that_is_not_stored_are_valued_anew(asha, path):
    body = get(asha, path, params={"as_of": "2013-02-25"}).json()
    assert body["valuation_date"] == "2013-02-25"
    apple, cash = body["data"]
    assert (apple["instrument_code"], apple["value_portfolio"]) == ("AAPL", "4000.00000000")
    assert (apple["price_date"], apple["gain_portfolio"], apple["quality"]) == (
        "2013-02-25",
        "0.00000000",
        "ok",
    )
    assert (cash["instrument_code"], cash["value_portfolio"]) == ("cash:USD", "500.25000000")
    assert Decimal(apple["weight"]) + Decimal(cash["weight"]) == 1


def test_known_at_gives_the_figure_before_and_after_a_restatement_and_the_row_that_changed_it(asha, served):
    def price(known_at):
        params = {"as_of": "2013-02-26", "known_at": known_at.isoformat()}
        body = get(asha, "/portfolios/PF-1/holdings", params=params).json()
        return Decimal(body["data"][0]["price_local"]), body["publication"]["publication_id"]

    assert price(served.first.instant) == (Decimal("442.80"), str(served.first.publication_id))
    assert price(served.second.instant) == (Decimal("448.97"), str(served.second.publication_id))

    before = get(asha, "/restatements", params={"known_at": served.first.instant.isoformat()}).json()
    assert before["data"] == []
    after = get(asha, "/portfolios/PF-1/restatements").json()["data"]
    figures = {(row["relation"], row["figure"]): row for row in after}
    assert set(figures) == {
        ("fct_holdings", "price_local"),
        ("fct_holdings", "value_portfolio"),
        ("fct_portfolio_values_daily", "value_portfolio"),
    }
    changed = figures["fct_holdings", "price_local"]
    assert (changed["old_value"], changed["new_value"]) == ("442.8000000000", "448.9700000000")
    assert changed["cause"] == "price of 2013-02-26 restated by load polygon daily_bars 2013-02-26"
    assert changed["new_price_load_id"] == str(uuid.UUID(int=52))
    assert changed["old_publication_id"] == str(served.first.publication_id)
    assert figures["fct_portfolio_values_daily", "value_portfolio"]["cause"] == changed["cause"]


def test_figures_of_which_only_the_newest_is_served_can_be_read_as_of_an_earlier_day(asha, served):
    newest = get(asha, "/portfolios/PF-1/performance").json()
    earlier = get(asha, "/portfolios/PF-1/performance", params={"as_of": "2013-02-26"}).json()
    assert newest["data"][0]["final_value_portfolio"] == "4445.70000000"
    assert earlier["data"][0]["final_value_portfolio"] == "4428.00000000"
    assert earlier["valuation_date"] == "2013-02-26"
    assert earlier["publication"]["publication_id"] == str(served.first.publication_id)


def test_nothing_is_known_before_the_first_publication(asha):
    answer = get(asha, "/portfolios", params={"known_at": "2012-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (404, "nothing_known_then")
    answer = get(asha, "/portfolios/PF-1/performance", params={"as_of": "2012-01-01"})
    assert (answer.status_code, answer.json()["code"]) == (404, "nothing_known_then")


def test_an_unchanged_publication_is_answered_by_304(asha):
    first = get(asha, "/portfolios/PF-1/holdings")
    again = get(asha, "/portfolios/PF-1/holdings", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = get(asha, "/portfolios/PF-1/values", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    assert "X-API-Key" in first.headers["vary"]


def test_a_new_publication_or_another_grant_changes_the_tag(asha, served, republish):
    first = get(asha, "/portfolios").headers["etag"]
    with connections.connect() as connection:
        connection.execute(
            "insert into access.grants select key_id, %s from access.grants where investor_id = %s",
            [uuid.UUID(int=2), uuid.UUID(int=1)],
        )
    granted = get(asha, "/portfolios", headers={"If-None-Match": first})
    assert granted.status_code == 200
    assert len(granted.json()["data"]) == 2
    republish(Decimal(1))
    assert get(asha, "/portfolios", headers={"If-None-Match": granted.headers["etag"]}).status_code == 200


def test_lists_come_in_pages(asha):
    first = get(asha, "/portfolios/PF-1/values", params={"limit": 1}).json()
    assert first["page"] == {"limit": 1, "offset": 0, "returned": 1, "next_offset": 1}
    second = get(asha, "/portfolios/PF-1/values", params={"limit": 1, "offset": 1}).json()
    assert second["page"]["next_offset"] is None
    days = [body["data"][0]["valuation_date"] for body in (first, second)]
    assert days == ["2013-02-26", "2013-02-27"]


@pytest.mark.parametrize("path", LISTS)
def test_every_list_comes_as_csv_when_asked_for(asha, served, path):
    answer = get(asha, path, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["folio-publication"] == str(served.second.publication_id)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    body = get(asha, path).json()["data"]
    assert len(rows) == len(body)
    assert set(rows[0]) == set(body[0])


@pytest.mark.parametrize("accept", ["application/vnd.apache.parquet", "text/html", "application/json;q=0"])
def test_a_form_that_is_not_offered_is_refused(asha, accept):
    answer = get(asha, "/portfolios", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/portfolios", {"as_of": "yesterday"}),
        ("/portfolios", {"known_at": "2013-02-28T03:00:00"}),
        ("/portfolios", {"limit": 0}),
        ("/market/history/AAPL", {"start_date": "2013-02-30"}),
    ],
)
def test_a_request_that_cannot_be_understood_says_where(asha, path, params):
    answer = get(asha, path, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert next(iter(params)) in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/portfolios/%00", "/funds?search=a%00", "/market/prices/%00"])
def test_a_value_that_cannot_be_stored_is_no_fault_of_ours(asha, path):
    answer = get(asha, path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_funds_are_found_by_all_words_and_wildcards_are_letters(asha):
    def found(search):
        return [row["scheme_code"] for row in get(asha, "/funds", params={"search": search}).json()["data"]]

    assert found("growth demo") == [100001]
    assert found("100%") == [100001]
    assert found("50%") == []
    assert found("growth other") == []


def test_an_instrument_is_named_by_id_code_or_ticker(asha):
    for name in ("AAPL", str(uuid.UUID(int=31))):
        body = get(asha, f"/market/prices/{name}", params={"as_of": "2013-02-26"}).json()
        assert body["data"]["latest"]["price_local"] == "448.9700000000"
    assert get(asha, "/market/prices/NONE").status_code == 404


def test_price_history_is_narrowed_by_days(asha):
    body = get(
        asha, "/market/history/AAPL", params={"start_date": "2013-02-27", "end_date": "2013-02-27"}
    ).json()
    assert [row["valuation_date"] for row in body["data"]] == ["2013-02-27"]


def test_a_plan_comes_with_the_orders_of_the_portfolio_alone(asha):
    plan = get(asha, "/portfolios/PF-1/rebalance").json()["data"][0]
    assert plan["night"] == "2013-02-28T0300Z"
    assert [order["account_id"] for order in plan["orders"]] == [str(uuid.UUID(int=21))]


def test_sectors_are_the_allocation_by_sector(asha):
    rows = get(asha, "/portfolios/PF-1/sectors").json()["data"]
    assert {(row["dimension"], row["bucket"]) for row in rows} == {("sector", "Technology")}
    assert len(get(asha, "/portfolios/PF-1/allocations").json()["data"]) == 2


def test_readers_that_poll_see_one_publication_per_answer(asha, republish):
    done = threading.Event()
    mixed = []

    def poll():
        while True:
            is_last = done.is_set()
            body = get(asha, "/portfolios/PF-1").json()
            ids = get(asha, "/portfolios/PF-1/holdings", params={"as_of": "2013-02-27"}).json()
            price = Decimal(ids["data"][0]["price_local"])
            told.setdefault(ids["publication"]["publication_id"], set()).add(price)
            mixed.extend([body] if body["data"]["latest"]["value_portfolio"] is None else [])
            if is_last:
                return

    told: dict[str, set[Decimal]] = {}
    threads = [threading.Thread(target=poll) for _ in range(2)]
    for thread in threads:
        thread.start()
    published = {str(republish(Decimal(price)).publication_id): {Decimal(price)} for price in range(1, 5)}
    done.set()
    for thread in threads:
        thread.join(60)
    assert not mixed
    assert all(len(prices) == 1 for prices in told.values())
    assert all(published.get(each, told[each]) == told[each] for each in told)


def test_the_api_answers_again_after_its_connections_were_cut(asha):
    assert get(asha, "/portfolios").status_code == 200
    with connections.connect() as connection:
        connection.autocommit = True
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name in ('folio_api', 'folio_audit') and datname = current_database()"
        )
    assert get(asha, "/portfolios").status_code == 200


def test_the_reading_pool_can_write_nothing(asha):
    get(asha, "/portfolios")
    with (
        asha.app.state.database.reader.connection() as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create temporary table trial (one int)")
