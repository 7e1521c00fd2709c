"""Keys see their own investors' records and learn nothing of others; every request is recorded."""

import hashlib

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.main import app as served_app
from api.main import create_app
from folio.commands.keys import app
from folio.jobs import keys
from folio.store import warehouse as connections


def get(client, path, key=None, **headers):
    return client.get(f"/api/v1{path}", headers=headers | ({"X-API-Key": key} if key else {}))


@pytest.mark.parametrize(
    "path",
    [
        "/portfolios",
        "/portfolios/PF-1/holdings",
        "/funds",
        "/market/prices/AAPL",
        "/publications",
        "/freshness",
    ],
)
def test_without_a_key_there_is_no_answer(client, path):
    answer = get(client, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_required")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_key_is_refused(client):
    answer = get(client, "/portfolios", "folio_wrong")
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")


def test_a_bearer_token_is_as_good_as_the_header(client, served):
    answer = get(client, "/portfolios", Authorization=f"Bearer {served.asha}")
    assert [row["portfolio_code"] for row in answer.json()["data"]] == ["PF-1"]


def test_lists_hold_only_what_the_key_may_see(client, served):
    for path in ("/portfolios", "/accounts", "/restatements"):
        seen = get(client, path, served.boris).json()["data"]
        assert {row["portfolio_id"] for row in seen} == {"00000000-0000-0000-0000-00000000000c"}
    assert len(get(client, "/portfolios", served.analyst).json()["data"]) == 2


@pytest.mark.parametrize("name", ["PF-2", "00000000-0000-0000-0000-00000000000c"])
@pytest.mark.parametrize("part", ["", "/holdings", "/rebalance", "/recommendations", "/restatements"])
def test_what_is_hidden_and_what_is_absent_look_alike(client, served, name, part):
    hidden = get(client, f"/portfolios/{name}{part}", served.asha)
    absent = get(client, f"/portfolios/PF-9{part}", served.asha)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json() == absent.json()


@pytest.mark.parametrize("path", ["/loads", "/quality"])
def test_only_analysts_read_loads_and_checks(client, served, path):
    refused = get(client, path, served.asha)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_too_small")
    assert get(client, path, served.analyst).json()["data"]


def test_a_revoked_key_is_refused_from_the_next_request_on(client, served):
    assert get(client, "/portfolios", served.asha).status_code == 200
    with connections.connect() as connection:
        row = connection.execute(
            "select key_id from access.api_keys where key_hash = %s", [keys.hashed(served.asha)]
        ).fetchone()
        keys.revoke_key(connection, row[0])
    assert get(client, "/portfolios", served.asha).status_code == 401


def test_keys_of_two_clients_do_not_leak_through_the_pool(client, served):
    for _ in range(10):
        for key, code in ((served.asha, "PF-1"), (served.boris, "PF-2")):
            assert [row["portfolio_code"] for row in get(client, "/portfolios", key).json()["data"]] == [code]
        assert get(client, "/portfolios").status_code == 401


def test_holdings_valued_anew_are_hidden_like_all_others(client, served):
    reader = client.app.state.database.reader
    for key, seen in ((served.asha, [11]), (served.boris, [12]), (served.analyst, [11, 12]), ("wrong", [])):
        with reader.connection() as connection:
            connection.execute("select set_config('folio.key_hash', %s, true)", [keys.hashed(key)])
            rows = connection.execute(
                "select distinct portfolio_id from marts.holdings_on('2013-02-25') order by 1"
            )
            assert [row[0].int for row in rows] == seen


def test_every_request_is_recorded_without_its_query_or_secret(client, served):
    get(client, "/portfolios?limit=5", served.asha)
    get(client, "/portfolios/PF-2", served.asha)
    get(client, "/portfolios", "folio_wrong")
    get(client, "/health")
    with connections.connect() as connection:
        rows = connection.execute(
            "select (select key_hash from access.api_keys as keys where keys.key_id = requests.key_id),"
            " method, path, status from access.requests as requests order by at"
        ).fetchall()
    assert rows == [
        (keys.hashed(served.asha), "GET", "/api/v1/portfolios", 200),
        (keys.hashed(served.asha), "GET", "/api/v1/portfolios/PF-2", 404),
        (None, "GET", "/api/v1/portfolios", 401),
    ]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_reading_is_offered(client, served, method):
    answer = client.request(method, "/api/v1/portfolios", headers={"X-API-Key": served.asha})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_health_needs_no_key(client):
    for path in ("/health", "/api/v1/health", "/ready", "/api/v1/ready"):
        assert client.get(path).status_code == 200


def test_an_api_before_the_first_publication_says_so(warehouse):
    with connections.connect() as connection:
        key = keys.create_key(connection, "trial", "analyst")
    with TestClient(create_app()) as client:
        assert client.get("/health").status_code == 200
        for path in ("/ready", "/api/v1/portfolios"):
            answer = client.get(path, headers={"X-API-Key": key})
            assert (answer.status_code, answer.json()["code"]) == (503, "not_published")


def test_the_page_of_the_api_gives_only_get_and_a_summary_each():
    paths = served_app.openapi()["paths"]
    assert {
        f"/api/v1/portfolios/{{portfolio_id}}/{part}"
        for part in ("holdings", "performance", "risk", "sectors", "rebalance", "recommendations")
    } <= set(paths)
    for operations in paths.values():
        assert set(operations) == {"get"}
        assert operations["get"]["summary"]


# the command line


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_a_key_is_printed_once_and_stored_as_its_hash(served):
    made = run(
        "create", "--label", "phone", "--scope", "client", "--investor", "INV-1", "--expires", "2099-01-01"
    )
    secret = made.stdout.strip()
    assert secret.startswith("folio_")
    listed = run("list", "--json").stdout
    assert secret not in listed
    assert '"INV-1"' in listed
    with connections.connect() as connection:
        row = connection.execute("select key_hash from access.api_keys where label = 'phone'").fetchone()
    assert row == (hashlib.sha256(secret.encode()).hexdigest(),)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scope", "client"], "give --investor"),
        (["--scope", "client", "--investor", "INV-404"], "INV-404"),
        (["--scope", "analyst", "--investor", "INV-1"], "name no investor"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(served, arguments, told):
    with pytest.raises(keys.FolioError, match=told):
        run("create", "--label", "trial", *arguments)


def test_a_key_can_be_revoked_by_its_id(served, client):
    with connections.connect() as connection:
        row = connection.execute(
            "select key_id from access.api_keys where key_hash = %s", [keys.hashed(served.asha)]
        ).fetchone()
    run("revoke", str(row[0]))
    assert get(client, "/portfolios", served.asha).status_code == 401
    with pytest.raises(keys.FolioError, match="There is no key"):
        run("revoke", "00000000-0000-0000-0000-000000000000")
