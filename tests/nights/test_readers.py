"""What readers of the real API see while a night fails, is repaired and restates an earlier one."""

import shutil
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import httpx
import psycopg
import pytest
import uvicorn

from api.main import create_app
from folio.commands.keys import create_key
from folio.delivery.mail.catcher import Catcher
from folio.demo.market import TECHNOLOGY
from folio.errors import GateError
from folio.jobs import pipeline
from folio.settings import settings
from folio.sources import payloads
from folio.sources.sandbox import Sandbox
from folio.store import warehouse

CENT = Decimal("0.01")
BROKEN_BY = Decimal("12345678")
PAUSE = 0.2
"""Seconds between two rounds of a reader: the night runs in this process too and needs its share of it."""

LONG = 60.0
"""Seconds after which a reader that made no progress is a failure."""

FUND = f"fund-{TECHNOLOGY.code}"
RESTATING_NIGHT = "2013-03-03T0300Z"
RESTATED_DAY = date(2013, 3, 1)
BEFORE, AFTER = "2013-03-02T03:00:00Z", "2013-03-03T03:00:00Z"


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


@contextmanager
def serving(dsn) -> Iterator[httpx.Client]:
    """A client, with an analyst's key, of the API served by uvicorn on loopback."""
    with warehouse.connect(dsn) as connection:
        key = create_key(connection, "test", "analyst")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(), log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1"
        try:
            with httpx.Client(base_url=base, headers={"X-API-Key": key}, timeout=LONG) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(LONG)


@contextmanager
def mail(folder) -> Iterator[None]:
    """A catcher to which the nights of this block send their mails."""
    with Catcher(folder) as catcher, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLIO_SMTP_PORT", str(catcher.port))
        settings.cache_clear()
        yield
    settings.cache_clear()


# ---- while a night fails and is repaired -------------------------------------------------------------------


@dataclass
class Poll:
    """What several readers saw: per reader the ids in order, per path and id every different answer."""

    ids: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[tuple[str, str], dict[str, dict]] = field(default_factory=lambda: defaultdict(dict))
    rounds: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    changed: threading.Condition = field(default_factory=threading.Condition)
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self, reader: int, client: httpx.Client, paths: list[str]) -> None:
        """Ask for the paths again and again until told to stop."""
        while not self.stop.wait(PAUSE):
            for path in paths:
                answer = client.get(path)
                assert answer.status_code == 200, answer.text
                body = answer.json()
                said = body["publication"]["publication_id"]
                with self.changed:
                    self.answers[path, said].setdefault(answer.text, body)
                    if self.ids[reader][-1:] != [said]:
                        self.ids[reader].append(said)
            with self.changed:
                self.rounds[reader] += 1
                self.changed.notify_all()

    def wait_for_whole_rounds(self, readers: int) -> None:
        """Until every reader has begun and ended a round from now on."""
        with self.changed:
            target = {reader: self.rounds[reader] + 2 for reader in range(readers)}
            assert self.changed.wait_for(
                lambda: all(self.rounds[reader] >= rounds for reader, rounds in target.items()), LONG
            )


def published_then(dsn, relation, key, figures, portfolio_id, publication_id):
    """Figures of a portfolio on the publication's day, by key, as history has them at its instant."""
    day = "end_date" if relation == "fct_period_results" else "valuation_date"
    return {
        tuple(map(str, row[: len(key)])): row[len(key) :]
        for row in rows(
            dsn,
            f"select {', '.join(f'v.{column}' for column in (*key, *figures))} from history.{relation} as v "
            "join history.publications as p on v.known_from <= p.instant "
            "and (v.known_to is null or v.known_to > p.instant) "
            f"where p.publication_id = %s and v.portfolio_id = %s and v.{day} = p.valuation_date",
            publication_id,
            portfolio_id,
        )
    }


def answered(body, key, figures):
    """The same of an answer."""
    return {
        tuple(row[column] for column in key): tuple(
            None if row[figure] is None else Decimal(row[figure]) for figure in figures
        )
        for row in body["data"]
    }


@pytest.mark.timeout(1200)
def test_readers_see_one_publication_an_answer_and_never_the_broken_night(demo, tmp_path):
    second_night, third_night = demo.nights[1:]
    readers = 2

    with demo.copy(nights_done=2) as dsn, mail(tmp_path / "mail"), serving(dsn) as client:
        poll = Poll()

        def break_it(step):
            if step.name == "dbt measures":
                with psycopg.connect(dsn) as connection:
                    connection.execute(
                        "update build.fct_holdings set value_portfolio = value_portfolio + %s "
                        "where valuation_date = (select valuation_date from ops.night)",
                        [BROKEN_BY],
                    )

        portfolios = [
            row["portfolio_id"]
            for row in client.get("/portfolios").json()["data"]
            if client.get(f"/portfolios/{row['portfolio_id']}/holdings").json()["data"]
        ][:2]
        paths = [f"/portfolios/{each}/{part}" for each in portfolios for part in ("holdings", "performance")]
        with ThreadPoolExecutor(readers) as threads:
            reading = [threads.submit(poll.read, reader, client, paths) for reader in range(readers)]
            try:
                with pytest.raises(GateError, match="holdings_add_up_to_the_portfolio"):
                    pipeline.run_night(third_night, watch=break_it)
                poll.wait_for_whole_rounds(readers)
                nights_after_the_gate = rows(dsn, "select night from history.publications order by ordinal")
                pipeline.run_night(third_night)
                poll.wait_for_whole_rounds(readers)
            finally:
                poll.stop.set()
            for one in reading:
                one.result()

        assert nights_after_the_gate == [(demo.nights[0],), (second_night,)]
        ids = [
            str(row[0])
            for row in rows(
                dsn,
                "select publication_id from history.publications where night = any(%s) order by ordinal",
                [second_night, third_night],
            )
        ]
        assert dict(poll.ids) == dict.fromkeys(range(readers), ids)
        assert set(poll.answers) == {(path, each) for path in paths for each in ids}
        for portfolio in portfolios:
            for each in ids:
                [holdings] = poll.answers[f"/portfolios/{portfolio}/holdings", each].values()
                key, figures = ("account_id", "instrument_id"), ("units", "price_local", "value_portfolio")
                held = answered(holdings, key, figures)
                assert held == published_then(dsn, "fct_holdings", key, figures, portfolio, each)
                [performance] = poll.answers[f"/portfolios/{portfolio}/performance", each].values()
                key, figures = ("period",), ("final_value_portfolio", "gains_portfolio", "twr", "xirr")
                results = answered(performance, key, figures)
                assert results == published_then(dsn, "fct_period_results", key, figures, portfolio, each)
                assert abs(sum(value for _, _, value in held.values()) - results["ITD",][0]) < CENT


# ---- known before and after --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restated:
    """The demo after a night that brought another NAV of a day already published."""

    client: httpx.Client
    dsn: str
    old_nav: Decimal
    new_nav: Decimal


@pytest.fixture(scope="module")
def restated(demo, tmp_path_factory) -> Iterator[Restated]:
    """The three nights, and a fourth whose NAV file corrects a fund's NAV of the third's day."""
    folder = tmp_path_factory.mktemp("corrected")
    shutil.copytree(demo.state / "market", folder / "market")
    navs = folder / "market" / "navs.csv"
    lines = navs.read_text().splitlines()
    [place] = [n for n, line in enumerate(lines) if line.startswith(f"{TECHNOLOGY.code},{RESTATED_DAY},")]
    beginning, _, old = lines[place].rpartition(",")
    new = str(Decimal(old) + Decimal("0.4321"))
    lines[place] = f"{beginning},{new}"
    navs.write_text("\n".join(lines) + "\n")
    with (
        Sandbox(folder / "market") as sandbox,
        demo.copy(nights_done=3) as dsn,
        mail(folder / "mail"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("FOLIO_AMFI_URL", sandbox.url)
        settings.cache_clear()
        assert pipeline.run_night(RESTATING_NIGHT)[-1].name == "mail reports"
        with serving(dsn) as client:
            yield Restated(client, dsn, Decimal(old), Decimal(new))


def holders(dsn):
    """Investor code and portfolio id of everyone who held the restated fund on the restated day."""
    return rows(
        dsn,
        "select distinct investor_code, portfolio_id::text from build.fct_holdings "
        "join build.dim_portfolios using (portfolio_id) join build.dim_investors using (investor_id) "
        "join build.dim_instruments using (instrument_id) "
        "where amfi_code::text = %s and valuation_date = %s order by 1, 2",
        str(TECHNOLOGY.code),
        RESTATED_DAY,
    )


def test_known_at_gives_the_first_and_the_second_figure(restated):
    portfolios = [portfolio for _, portfolio in holders(restated.dsn)]
    assert len(portfolios) > 1
    for portfolio in portfolios:
        changes = []
        for known_at, nav in (
            (BEFORE, restated.old_nav),
            (AFTER, restated.new_nav),
            (None, restated.new_nav),
        ):
            asked = {"as_of": str(RESTATED_DAY), **({"known_at": known_at} if known_at else {})}
            held = restated.client.get(f"/portfolios/{portfolio}/holdings", params=asked).json()
            values = restated.client.get(
                f"/portfolios/{portfolio}/values", params={**asked, "start_date": str(RESTATED_DAY)}
            ).json()
            assert held["publication"] == values["publication"]
            funds = [row for row in held["data"] if row["instrument_code"] == FUND]
            assert {Decimal(row["price_local"]) for row in funds} == {nav}
            for row in funds:
                assert Decimal(row["value_local"]) == round(Decimal(row["units"]) * nav, 8)
            [value] = values["data"]
            total = sum(Decimal(row["value_portfolio"]) for row in held["data"])
            assert abs(Decimal(value["value_portfolio"]) - total) < CENT
            changes.append((sum(Decimal(row["value_portfolio"]) for row in funds), total))
        before, after, now = changes
        assert after == now
        assert after[1] - before[1] == after[0] - before[0] > 0


def test_a_restatement_names_the_load_and_line_that_changed_the_figure(restated):
    found = restated.client.get(
        "/restatements", params={"relation": "fct_holdings", "valuation_date": str(RESTATED_DAY)}
    ).json()["data"]
    prices = [row for row in found if row["figure"] == "price_local"]
    assert {row["portfolio_id"] for row in prices} == {portfolio for _, portfolio in holders(restated.dsn)}
    first, second = rows(
        restated.dsn, "select publication_id::text from history.publications order by ordinal"
    )[-2:]
    loads = restated.client.get("/loads", params={"source": "amfi", "night": RESTATING_NIGHT}).json()["data"]
    [load] = [load for load in loads if load["dataset"] == "navs"]
    assert (load["rows_changed"], load["status"]) == (1, "loaded")
    body = payloads.read(settings().payload_folder, load["payload_sha256"]).decode()
    for row in prices:
        assert (Decimal(row["old_value"]), Decimal(row["new_value"])) == (restated.old_nav, restated.new_nav)
        assert (row["old_publication_id"], row["new_publication_id"]) == (first[0], second[0])
        assert row["cause"] == "price of 2013-03-01 restated by load amfi navs 2013-03-03T03:00Z"
        assert (row["new_source"], row["new_price_load_id"]) == ("amfi", load["load_id"])
        assert row["old_price_load_id"] != row["new_price_load_id"]
        cells = body.splitlines()[row["new_price_line"] - 1].split(";")
        assert (cells[0], Decimal(cells[4]), cells[5]) == (
            str(TECHNOLOGY.code),
            restated.new_nav,
            "01-Mar-2013",
        )
    totals = restated.client.get(
        "/restatements",
        params={"relation": "fct_portfolio_values_daily", "valuation_date": str(RESTATED_DAY)},
    ).json()["data"]
    assert {row["portfolio_id"] for row in totals} == {row["portfolio_id"] for row in prices}
    for row in totals:
        assert row["cause"].endswith("price of 2013-03-01 restated by load amfi navs 2013-03-03T03:00Z")


def test_before_the_restatement_was_known_there_is_none_to_see(restated):
    asked = {"valuation_date": str(RESTATED_DAY), "known_at": BEFORE}
    assert restated.client.get("/restatements", params=asked).json()["data"] == []


def test_a_client_key_sees_only_its_investor(restated):
    investor = holders(restated.dsn)[0][0]
    with warehouse.connect(restated.dsn) as connection:
        key = create_key(connection, "client", "client", [investor])

    def get(path, **parameters):
        return restated.client.get(path, params=parameters, headers={"X-API-Key": key})

    everyones = {row["portfolio_id"] for row in restated.client.get("/portfolios").json()["data"]}
    own = {row["portfolio_id"] for row in get("/portfolios").json()["data"]}
    assert own == {
        row[0]
        for row in rows(
            restated.dsn,
            "select portfolio_id::text from build.dim_portfolios "
            "join build.dim_investors using (investor_id) where investor_code = %s",
            investor,
        )
    }
    assert own < everyones
    for portfolio in everyones:
        for part in ("", "/holdings", "/values", "/performance", "/risk", "/restatements"):
            answer = get(f"/portfolios/{portfolio}{part}")
            assert answer.status_code == (200 if portfolio in own else 404), (part, answer.text)
    restatements = get("/restatements").json()["data"]
    assert restatements
    assert {row["portfolio_id"] for row in restatements} <= own
    assert {row["portfolio_id"] for row in get("/accounts").json()["data"]} == own
    assert get("/loads").status_code == get("/quality").status_code == 403
