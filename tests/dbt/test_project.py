"""The dbt project: what every model must say of itself, and a small book worked out by hand."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml

from folio.books.identity import surrogate_id
from folio.errors import FolioError, TransformationError
from folio.jobs import lots, nights, returns, tax_year, transformation
from folio.settings import ROOT

NIGHT, NEXT_NIGHT = "2013-02-15T0300Z", "2013-02-16T0300Z"
FRIDAY, MONDAY, TUESDAY = date(2013, 2, 1), date(2013, 2, 4), date(2013, 2, 5)
THURSDAY = date(2013, 2, 14)
FIRST_LOAD, LATER_LOAD = UUID(int=1), UUID(int=2)
LATER = datetime(2013, 2, 16, 2, 0, tzinfo=UTC)
ROW_ACCESS = {"portfolio_id", "investor_id", "household_id", "tax_unit_id", "public", "staff"}


# A portfolio in euro: a brokerage account that buys a US share, a second one that takes some of it over,
# and an Indian fund folio. The share has no price from the 6th to the 13th of February.


@dataclass
class Book:
    """Rows of the hand-made book, put into raw as one load observed the day after each fact."""

    connection: psycopg.Connection[Any]
    load: UUID = FIRST_LOAD
    observed: datetime = datetime(2013, 2, 14, 20, 0, tzinfo=UTC)
    line: int = field(default=0)

    def add(self, table: str, **values: object) -> None:
        """One version of one row of a raw table."""
        self.line += 1
        row = values | {
            "observed_at": self.observed,
            "known_basis": "observed",
            "load_id": self.load,
            "line": self.line,
        }
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        self.connection.execute(f"insert into raw.{table} ({names}) values ({places})", list(row.values()))  # type: ignore[arg-type]

    def name(self, kind: str, key: str) -> UUID:
        """Enter a key into the map of identities."""
        identity = surrogate_id(kind, key)
        self.connection.execute(
            "insert into raw.identities (kind, source_key, id, load_id) values (%s, %s, %s, %s)",
            [kind, key, identity, self.load],
        )
        return identity

    def begin_load(self, load: UUID, observed: datetime) -> None:
        """Let what is added from now on belong to another load."""
        self.load, self.observed = load, observed
        self.connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, "
            "payload_sha256, observed_at) values (%s, 'books', 'by hand', %s, 1, '', 'loaded', '0', %s)",
            [load, str(load), observed],
        )

    def book(self, key: str, account: str, kind: str, day: date, **values: object) -> None:
        """One booking."""
        defaults = {"currency": "EUR", "fee": 0, "tax": 0, "status": "settled"}
        self.add(
            "book_transactions",
            transaction_key=key,
            transaction_id=surrogate_id("transaction", key),
            account_key=account,
            kind=kind,
            trade_date=day,
            **(defaults | values),
        )


def weekdays(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.isoweekday() <= 5:
            yield day


def fill(book: Book) -> None:
    """Put the hand-made book and its market into raw."""
    book.begin_load(FIRST_LOAD, book.observed)
    for kind, keys in {
        "investor": ["ann"],
        "household": ["home"],
        "tax_unit": ["ann-tax"],
        "portfolio": ["wealth"],
        "strategy": ["model"],
        "account": ["broker", "second", "folio"],
        "instrument": ["share", "fund", "cash:EUR", "cash:USD", "cash:INR"],
    }.items():
        for key in keys:
            book.name(kind, key)
    book.add(
        "book_investors",
        investor_key="ann",
        household_key="home",
        tax_unit_key="ann-tax",
        name="Ann",
        residency="DE",
        risk_profile="balanced",
    )
    book.add("book_strategies", strategy_key="model", name="Model", portfolio_key="wealth")
    book.add(
        "book_portfolios",
        portfolio_key="wealth",
        investor_key="ann",
        name="Wealth",
        currency="EUR",
        drift_band=Decimal("0.05"),
    )
    for key, kind, currency, regime, cash_model, flow_timing in (
        ("broker", "brokerage", "EUR", "us", "kept", "start"),
        ("second", "brokerage", "EUR", "us", "kept", "start"),
        ("folio", "folio", "INR", "india", "implied", "end"),
    ):
        book.add(
            "book_accounts",
            account_key=key,
            portfolio_key="wealth",
            name=key,
            kind=kind,
            currency=currency,
            tax_regime=regime,
            lot_method="fifo",
            cash_model=cash_model,
            flow_timing=flow_timing,
            opened_on=FRIDAY,
        )
        book.add(
            "book_account_owners", account_key=key, investor_key="ann", valid_from=FRIDAY, share=Decimal(1)
        )
    for key, kind, currency, scheme, alias in (
        ("share", "equity", "USD", "ticker", "TST"),
        ("fund", "fund", "INR", "amfi", "990001"),
    ):
        book.add(
            "book_instruments",
            instrument_key=key,
            kind=kind,
            name=key,
            currency=currency,
            asset_class="equity",
            sector="any",
            region="any",
            whole_units=False,
        )
        book.add(
            "book_instrument_aliases",
            scheme=scheme,
            alias=alias,
            valid_from=date(2000, 1, 1),
            instrument_key=key,
        )
        book.add(
            "book_targets",
            portfolio_key="wealth",
            instrument_key=key,
            valid_from=FRIDAY,
            weight=Decimal("0.5"),
        )
    for day in weekdays(FRIDAY, THURSDAY):
        for code, rate in (
            (("USD", "1.25"), ("INR", "62.5")) if day == FRIDAY else (("USD", "1.28"), ("INR", "64"))
        ):
            book.add("ecb_fx_rates", rate_date=day, currency_code=code, units_per_eur=Decimal(rate))
        book.add("amfi_navs", nav_date=day, scheme_code=990001, nav=60 if day == THURSDAY else 50)
    for day, close in ((FRIDAY, 100), (MONDAY, 110), (TUESDAY, 112), (THURSDAY, 128)):
        book.add("polygon_daily_bars", session_date=day, ticker="TST", close=close)
    book.add("amfi_schemes", scheme_code=990001, scheme_name="Hand-made fund")

    book.book("1", "broker", "deposit", FRIDAY, amount=1000)
    book.book(
        "2", "broker", "buy", FRIDAY, instrument_key="share", units=10, price=100, amount=1000, fee=5,
        currency="USD", fx_rate=Decimal("0.8"),
    )  # fmt: skip
    book.book(
        "3", "folio", "buy", MONDAY, instrument_key="fund", units=20, price=50, amount=1000, currency="INR"
    )
    for key, account, kind in (("4", "broker", "transfer_out"), ("5", "second", "transfer_in")):
        book.book(
            key, account, kind, TUESDAY, instrument_key="share", units=4, currency="USD", pair_key="move"
        )
    book.book(
        "6", "broker", "dividend", date(2013, 2, 7), instrument_key="share", amount=32, tax=Decimal("6.4"),
        currency="USD",
    )  # fmt: skip
    book.book(
        "7", "second", "sell", date(2013, 2, 11), instrument_key="share", units=5, amount=560, currency="USD"
    )
    book.book("8", "broker", "deposit", date(2013, 2, 12), amount=77, status="failed")
    book.connection.commit()


def run(night: str) -> None:
    """The steps of a night that make figures."""
    assert nights.open_night(night)
    transformation.run_stage(night, "ledger")
    for batch in nights.account_batches(night):
        lots.match(night, batch)
    transformation.run_stage(night, "values")
    returns.measure(night)
    transformation.run_stage(night, "measures")
    transformation.run_stage(night, "decisions")


@dataclass(frozen=True)
class Built:
    """The hand-made book: a night, the prices of a next one that knows more, and the night again."""

    dsn: str
    once: dict[str, str]
    twice: dict[str, str]
    manifest: dict[str, Any]
    restated: list[tuple[Any, ...]]

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Answer of the database to a query."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


NAV_USED = """
    select price_local, price_load_id, price_line from build.fct_prices_daily
    where instrument_id = %s and valuation_date = '2013-02-14'
"""


@pytest.fixture(scope="module")
def built(
    open_warehouse: Callable[[], AbstractContextManager[str]], relations_of: Callable[[str], dict[str, str]]
) -> Iterator[Built]:
    with open_warehouse() as dsn:
        with psycopg.connect(dsn) as connection:
            fill(Book(connection))
        run(NIGHT)
        once = relations_of(dsn)
        with psycopg.connect(dsn) as connection:
            book = Book(connection)
            book.begin_load(LATER_LOAD, LATER)
            book.add("amfi_navs", nav_date=THURSDAY, scheme_code=990001, nav=64)
            connection.commit()
            restated = [connection.execute(NAV_USED, [surrogate_id("instrument", "fund")]).fetchone()]
            connection.commit()
            nights.open_night(NEXT_NIGHT)
            transformation.run_stage(NEXT_NIGHT, "ledger")
            restated.append(connection.execute(NAV_USED, [surrogate_id("instrument", "fund")]).fetchone())
        run(NIGHT)
        twice = relations_of(dsn)
        manifest = json.loads((transformation.target_folder() / "manifest.json").read_text())
        yield Built(dsn, once, twice, manifest, [row for row in restated if row])


def models(built: Built) -> list[dict[str, Any]]:
    return [node for node in built.manifest["nodes"].values() if node["resource_type"] == "model"]


def marts(built: Built) -> list[dict[str, Any]]:
    return [node for node in models(built) if node["original_file_path"].startswith("models/marts/")]


# What every model must say of itself


def test_every_model_and_column_is_described(built: Built) -> None:
    undescribed = []
    for node in models(built):
        described = {name for name, column in node["columns"].items() if column["description"].strip()}
        columns = {
            name
            for (name,) in built.rows(
                "select column_name from information_schema.columns "
                "where table_schema = 'build' and table_name = %s",
                node["name"],
            )
        }
        assert columns, f"{node['name']} was not built"
        if not node["description"].strip():
            undescribed.append(node["name"])
        undescribed += [f"{node['name']}.{column}" for column in sorted(columns ^ described)]
    assert undescribed == []


def test_models_are_named_by_layer_and_folder(built: Built) -> None:
    patterns = {
        "staging": r"stg_{folder}__[a-z0-9_]+",
        "intermediate": r"int_[a-z0-9_]+",
        "marts": r"(fct|dim|bridge)_[a-z0-9_]+",
    }
    for node in models(built):
        _, layer, folder, _ = node["original_file_path"].split("/")
        assert re.fullmatch(patterns[layer].format(folder=folder), node["name"]), node["name"]


def test_every_model_belongs_to_one_stage(built: Built) -> None:
    for node in models(built):
        assert len(set(node["tags"]) & set(transformation.STAGES)) == 1, node["name"]


def test_marts_are_public_with_contract_key_and_access(built: Built) -> None:
    for node in marts(built):
        meta = node["config"]["meta"]
        assert node["config"]["contract"]["enforced"], node["name"]
        assert node["access"] == "public", node["name"]
        assert set(meta["key"]) <= set(node["columns"]), node["name"]
        assert meta["row_access"] in ROW_ACCESS, node["name"]
        assert meta["row_access"] in {*node["columns"], "public", "staff"}, node["name"]
        assert meta.get("day") is None or meta["day"] in node["columns"], node["name"]
        primary = [c["columns"] for c in node["constraints"] if c["type"] == "primary_key"]
        assert primary == [meta["key"]], node["name"]


def test_facts_carry_quality_and_method(built: Built) -> None:
    operational = {"fct_loads", "fct_data_quality"}
    for node in marts(built):
        if node["name"].startswith("fct_") and node["name"] not in operational:
            assert {"quality", "method_version"} <= set(node["columns"]), node["name"]


def test_amounts_stand_beside_their_currency(built: Built) -> None:
    frames = {
        "_account": "account_currency",
        "_portfolio": "portfolio_currency",
        "_reporting": "reporting_currency",
    }
    for node in marts(built):
        for name, column in node["columns"].items():
            if column["data_type"] != "numeric(28, 8)":
                continue
            for suffix, currency in frames.items():
                if name.endswith(suffix):
                    assert currency in node["columns"], f"{node['name']}.{name}"


def test_money_has_the_same_type_everywhere(built: Built) -> None:
    types: dict[str, set[str]] = {}
    for node in marts(built):
        for name, column in node["columns"].items():
            types.setdefault(name, set()).add(column["data_type"])
    differing = {name: found for name, found in types.items() if len(found) > 1}
    assert differing == {"observed": {"numeric(20, 12)", "text"}}


def test_staging_reads_sources_and_marts_do_not(built: Built) -> None:
    for node in models(built):
        layer = node["original_file_path"].split("/")[1]
        sources = [parent for parent in node["depends_on"]["nodes"] if parent.startswith("source.")]
        reads_nights = {"source.folio.ops.night"}
        if layer != "staging":
            assert not sources, node["name"]
        else:
            assert set(sources) - reads_nights or node["name"] == "stg_ops__night", node["name"]


def test_exposures_name_what_code_reads(built: Built) -> None:
    known = {node["name"] for node in models(built)}
    for exposure in built.manifest["exposures"].values():
        named: set[str] = set()
        for place in exposure["config"]["meta"]["code"]:
            path = ROOT / place
            for file in [path] if path.is_file() else path.rglob("*.py"):
                named |= set(re.findall(r"\b(?:fct|dim|bridge|int)_[a-z_]+\b", file.read_text()))
        declared = {parent.split(".")[-1] for parent in exposure["depends_on"]["nodes"]}
        assert declared == named & known, f"exposure {exposure['name']} in models/marts/_exposures.yml"


def test_every_figure_has_a_home_on_the_page(built: Built) -> None:
    page = (ROOT / "docs" / "figures.md").read_text()
    missing = [node["name"] for node in marts(built) if f"`{node['name']}`" not in page]
    assert missing == []


def test_the_linter_of_sql_leaves_out_no_rule() -> None:
    settings_of_linter = (ROOT / ".sqlfluff").read_text() + (ROOT / "pyproject.toml").read_text()
    assert "exclude_rules" not in settings_of_linter


def test_yaml_of_models_stands_beside_them() -> None:
    for path in (ROOT / "dbt_project" / "models").rglob("*__models.yml"):
        described = {model["name"] for model in yaml.safe_load(path.read_text())["models"]}
        assert described == {model.stem for model in path.parent.glob("*.sql")}, path.name


# The hand-made book


def portfolio_days(built: Built, columns: str) -> dict[date, tuple[Any, ...]]:
    rows = built.rows(f"select valuation_date, {columns} from build.fct_portfolio_values_daily")
    return {day: tuple(values) for day, *values in rows}


def test_a_strategy_is_its_portfolio_without_amounts(built: Built) -> None:
    days = built.rows(
        "select index_value = 100 * (1 + portfolio_values.cumulative_twr), strategy_values.strategy_currency "
        "from build.fct_strategy_values_daily as strategy_values "
        "join build.dim_strategies using (strategy_id) "
        "join build.fct_portfolio_values_daily as portfolio_values using (portfolio_id, valuation_date) "
        "where strategy_code = 'model' and portfolio_values.cumulative_twr is not null"
    )
    assert days
    assert set(days) == {(True, "EUR")}


def test_a_portfolio_is_worth_its_parts_in_its_currency(built: Built) -> None:
    values = portfolio_days(built, "value_portfolio")
    assert values[FRIDAY] == (Decimal("996"),)  # 10 x 100 / 1.25, and 1000 - 800 - 4 in cash
    assert values[date(2013, 2, 3)] == (Decimal("996"),)
    assert values[MONDAY] == (Decimal("1071"),)  # 10 x 110 / 1.28, 196 in cash, 20 x 50 / 64
    assert values[TUESDAY] == (Decimal("1086.625"),)
    assert values[THURSDAY] == (Decimal("1234.75"),)  # 10 x 128 / 1.28, 216, 20 x 60 / 64


def test_what_changed_the_value_adds_up_by_its_parts(built: Built) -> None:
    parts = portfolio_days(
        built,
        "deposits_start_portfolio, deposits_end_portfolio, income_portfolio, fees_portfolio, "
        "taxes_portfolio, gains_portfolio, currency_effect_portfolio",
    )
    nothing = Decimal(0)
    assert parts[FRIDAY] == (1000, 0, 0, 4, 0, nothing, nothing)
    assert parts[MONDAY] == (0, Decimal("15.625"), 0, 0, 0, Decimal("78.125"), Decimal("-18.75"))
    assert parts[date(2013, 2, 7)] == (0, 0, 25, 0, 5, nothing, nothing)


def test_a_transfer_moves_value_between_accounts_and_is_no_flow_of_the_portfolio(built: Built) -> None:
    flows = built.rows(
        "select deposits_account, withdrawals_account from build.fct_account_values_daily "
        "join build.dim_accounts using (account_id) where valuation_date = '2013-02-05' order by account_code"
    )
    assert flows == [(0, 350), (0, 0), (350, 0)]  # 4 x 112 / 1.28
    assert portfolio_days(built, "net_flow_portfolio, withdrawals_portfolio")[TUESDAY] == (0, 0)


def test_a_price_is_carried_with_its_age_and_no_further_than_its_limit(built: Built) -> None:
    prices = built.rows(
        "select valuation_date, price_local, price_date, days_carried, quality, missing_reason "
        "from build.fct_prices_daily where instrument_id = %s and valuation_date >= '2013-02-11' order by 1",
        surrogate_id("instrument", "share"),
    )
    assert prices == [
        (date(2013, 2, 11), 112, TUESDAY, 4, "carried", None),
        (date(2013, 2, 12), 112, TUESDAY, 5, "carried", None),
        (
            date(2013, 2, 13),
            None,
            TUESDAY,
            6,
            "incomplete",
            "the last price is 6 sessions old, the limit is 5",
        ),
        (THURSDAY, 128, THURSDAY, 0, "ok", None),
    ]


def test_a_total_with_a_missing_part_is_null_beside_the_known_part(built: Built) -> None:
    days = portfolio_days(built, "value_portfolio, known_part_value_portfolio, gains_portfolio, quality")
    assert days[date(2013, 2, 12)] == (Decimal("1106.625"), Decimal("1106.625"), 0, "carried")
    assert days[date(2013, 2, 13)] == (None, Decimal("231.625"), None, "incomplete")
    assert days[THURSDAY][2:] == (Decimal("128.125"), "ok")


def test_carried_share_is_the_part_of_the_value_with_an_older_price(built: Built) -> None:
    shares = portfolio_days(built, "carried_share, oldest_price_date")
    assert shares[TUESDAY] == (0, TUESDAY)
    assert shares[date(2013, 2, 6)] == (round(Decimal(875) / Decimal("1086.625"), 12), TUESDAY)


def test_returns_and_periods_come_from_the_days(built: Built) -> None:
    returned = portfolio_days(built, "daily_return")
    assert returned[FRIDAY] == (Decimal("-0.004"),)
    assert returned[MONDAY] == (round(Decimal("1055.375") / 996 - 1, 12),)
    assert returned[date(2013, 2, 13)] == (None,)
    (inception,) = built.rows(
        "select initial_value_portfolio, net_flow_portfolio, income_portfolio, fees_portfolio, "
        "taxes_portfolio, gains_portfolio, currency_effect_portfolio, final_value_portfolio "
        "from build.fct_period_results where period = 'ITD'"
    )
    assert inception == (
        0, Decimal("1015.625"), 25, 4, 5, Decimal("221.875"), Decimal("-18.75"), Decimal("1234.75"),
    )  # fmt: skip


def test_the_return_on_the_average_investment_is_of_what_purchases_cost(built: Built) -> None:
    # 1000 USD at 0.8 for three days, then also 1000 INR at 1/64; the sale of more than held is refused
    mean = round((3 * Decimal(800) + 10 * Decimal("815.625")) / 13, 8)
    gained = Decimal("221.875") - Decimal("18.75") + 25 - 4
    (inception,) = built.rows(
        "select mean_investment_portfolio, roai from build.fct_period_results where period = 'ITD'"
    )
    assert inception == (mean, round(gained / mean, 12))


def test_holdings_give_units_cost_value_and_weight(built: Built) -> None:
    holdings = built.rows(
        "select account_code, instrument_code, units, value_local, value_account, value_portfolio, "
        "price_cost_account, tax_cost_account, gain_account, weight "
        "from build.fct_holdings join build.dim_accounts using (account_id) "
        "join build.dim_instruments using (instrument_id) where valuation_date = '2013-02-14' order by 1, 2"
    )
    total = Decimal("1234.75")
    assert holdings == [
        ("broker", "cash:EUR", 216, 216, 216, 216, 216, 216, 0, round(216 / total, 12)),
        ("broker", "share", 6, 768, 600, 600, 480, Decimal("482.4"), 120, round(600 / total, 12)),
        (
            "folio",
            "fund",
            20,
            1200,
            1200,
            Decimal("18.75"),
            1000,
            1000,
            200,
            round(Decimal("18.75") / total, 12),
        ),
        ("second", "share", 4, 512, 400, 400, 320, Decimal("321.6"), 80, round(400 / total, 12)),
    ]


def test_allocations_divide_the_value_and_show_the_drift(built: Built) -> None:
    rows = built.rows(
        "select bucket, value_portfolio, target_weight, drift = weight - target_weight "
        "from build.fct_allocations where dimension = 'instrument' and valuation_date = '2013-02-14' "
        "order by bucket"
    )
    assert rows == [
        ("cash:EUR", 216, 0, True),
        ("fund", Decimal("18.75"), Decimal("0.5"), True),
        ("share", 1000, Decimal("0.5"), True),
    ]


def test_bookings_that_do_not_count_stay_visible(built: Built) -> None:
    rows = built.rows(
        "select kind, status, is_rejected from build.fct_transactions "
        "where is_rejected or status <> 'settled' order by 1"
    )
    assert rows == [("deposit", "failed", False), ("sell", "settled", True)]


def test_a_fact_observed_later_counts_from_the_night_that_knows_it(built: Built) -> None:
    (before, before_load, _), (after, after_load, after_line) = built.restated
    assert (before, before_load) == (60, FIRST_LOAD)
    assert (after, after_load, after_line) == (64, LATER_LOAD, 1)


def test_a_night_run_again_changes_no_table(built: Built) -> None:
    made = {name for name in built.once if name.startswith(("build.", "computed."))}
    assert made
    assert {name for name in made if built.once[name] != built.twice[name]} == set()


# Stages


def test_unit_tests_of_models_pass(built: Built) -> None:
    results = transformation.invoke("test", "--select", "test_type:unit")
    assert len(results) >= 7
    assert {result.node: result.message for result in results if result.status != "pass"} == {}


def test_each_node_of_a_stage_is_on_record(built: Built) -> None:
    rows = dict(
        built.rows("select stage, count(*) from ops.stage_results where night = %s group by 1", NIGHT)
    )
    assert set(rows) == set(transformation.STAGES)
    statuses = built.rows("select distinct status from ops.stage_results")
    assert set(statuses) <= {("success",), ("pass",)}


def test_models_share_connections_and_leave_none_open(built: Built) -> None:
    opened = "select sessions from pg_stat_database where datname = current_database()"
    before = built.rows(opened)[0][0]
    nodes = transformation.run_stage(NIGHT, "decisions").nodes
    assert built.rows(opened)[0][0] - before < len(nodes)
    assert built.rows("select pid from pg_stat_activity where application_name = 'dbt'") == []


MADE = """
    select relname, oid from pg_class where relnamespace = 'build'::regnamespace
    and relname in ('transaction_kinds', 'stg_ops__loads', 'stg_books__accounts')
"""


def test_seeds_and_views_of_raw_tables_are_made_with_their_code_and_not_each_night(built: Built) -> None:
    before = dict(built.rows(MADE))
    assert len(before) == 3
    with psycopg.connect(built.dsn) as connection:
        connection.execute("update raw.loads set finished_at = started_at")
        connection.execute("update ops.stage_builds set counted_landed_by = clock_timestamp()")
    nights.open_night(NEXT_NIGHT)
    nodes = {node.node for node in transformation.run_stage(NEXT_NIGHT, "ledger").nodes}
    assert {name for name, made in built.rows(MADE) if before[name] == made} == {
        "transaction_kinds",
        "stg_ops__loads",
    }
    assert any(name.startswith("unique_key_of_stg_ops__loads") for name in nodes)  # its rows may be others
    with psycopg.connect(built.dsn) as connection:
        connection.execute("drop view build.stg_ops__loads cascade")
        connection.execute("update ops.stage_builds set is_current = false")
    transformation.run_stage(NEXT_NIGHT, "ledger")
    assert len(built.rows(MADE)) == 3
    with psycopg.connect(built.dsn) as connection:
        connection.execute("update raw.loads set finished_at = null")
    run(NIGHT)


def test_a_failing_stage_says_which_node_failed_and_why(built: Built) -> None:
    with psycopg.connect(built.dsn) as connection:
        connection.execute("update computed.period_rates set period = '2W' where period = 'ITD'")
    with pytest.raises(TransformationError, match=r"accepted_values_fct_period_results_period.*Got 1 result"):
        transformation.run_stage(NIGHT, "measures")
    assert ("fail",) in built.rows("select distinct status from ops.stage_results where stage = 'measures'")
    returns.measure(NIGHT)
    transformation.run_stage(NIGHT, "measures")


def test_an_unknown_stage_is_refused(built: Built) -> None:
    with pytest.raises(TransformationError, match="'gates' is no stage"):
        transformation.run_stage(NIGHT, "gates")


SOLD = """
    insert into build.fct_realised_gains (
        closing_transaction_id, lot_id, account_id, portfolio_id, instrument_id, acquisition_date, sale_date,
        holding_days, units, proceeds_account, price_cost_account, tax_cost_account, gain_account, match_rule,
        term, disallowed_account, cost_added_account, taxable_gain_account, account_currency,
        portfolio_currency, quality, method_version
    )
    select gen_random_uuid(), gen_random_uuid(), accounts.account_id, accounts.portfolio_id,
           instruments.instrument_id, date '2012-01-03', date '2013-02-13', 407, 2, 80, 60, 61, 19, 'lot',
           'long', 0, 0, 19, accounts.account_currency, 'EUR', 'ok', 'by hand'
    from build.dim_accounts as accounts cross join build.dim_instruments as instruments
    where instruments.instrument_code in ('share', 'fund')
"""


def test_a_form_has_the_gains_of_its_regime_and_year_and_adds_up_to_them(built: Built) -> None:
    with psycopg.connect(built.dsn) as connection:
        connection.execute(SOLD)
        form_8949 = tax_year.lines(connection, "ann", "2013")
        schedule_112a = tax_year.lines(connection, "ann", "2012-13")
        assert tax_year.lines(connection, "ann", "2012") == []
        with pytest.raises(FolioError, match="No investor"):
            tax_year.lines(connection, "nobody", "2013")
        connection.rollback()
    assert sorted((line["Account"], line["Part"], line["Gain"]) for line in form_8949) == [
        (account, "II", "19") for account in ("broker", "broker", "second", "second")
    ]
    assert [(line["Account"], line["Section"], line["Gain"]) for line in schedule_112a] == [
        ("folio", "112A", "19"),
        ("folio", "112A", "19"),
    ]
