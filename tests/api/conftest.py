"""A small published database and a client of the API on it."""

import dataclasses
import datetime
import secrets
import uuid
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from folio.jobs import nights
from folio.jobs.keys import create_key
from folio.settings import settings
from folio.store import publish as store
from folio.store import warehouse as connections

FIRST, SECOND = "2013-02-27T0300Z", "2013-02-28T0300Z"
DAY_BEFORE = datetime.date(2013, 2, 25)
FIRST_DAY, SECOND_DAY = datetime.date(2013, 2, 26), datetime.date(2013, 2, 27)
ASHA, BORIS = uuid.UUID(int=1), uuid.UUID(int=2)
ASHAS, BORISS = uuid.UUID(int=11), uuid.UUID(int=12)
ASHAS_ACCOUNT, BORISS_ACCOUNT = uuid.UUID(int=21), uuid.UUID(int=22)
APPLE, FUND, CASH = uuid.UUID(int=31), uuid.UUID(int=32), uuid.UUID(int=33)
LOT, SALE, PLAN = uuid.UUID(int=41), uuid.UUID(int=42), uuid.UUID(int=43)
OLD_LOAD, NEW_LOAD = uuid.UUID(int=51), uuid.UUID(int=52)

TYPES = {"id": "uuid", "money": "numeric(28, 8)", "units": "numeric(38, 18)", "price": "numeric(28, 10)"} | {
    "rate": "numeric(28, 12)", "ratio": "numeric(20, 12)", "day": "date", "int": "integer", "flag": "boolean",
    "at": "timestamptz", "json": "jsonb", "text": "text",
}  # fmt: skip

MARTS = {
    "dim_investors": (
        "investor_id",
        "investor_id",
        "id:investor_id household_id tax_unit_id text:investor_code",
    ),
    "dim_portfolios": (
        "portfolio_id",
        "portfolio_id",
        "id:portfolio_id investor_id household_id tax_unit_id text:portfolio_code portfolio_name "
        "portfolio_currency ratio:var_limit drift_band",
    ),
    "dim_accounts": (
        "portfolio_id",
        "account_id",
        "id:account_id portfolio_id text:account_code account_name account_kind account_currency tax_regime "
        "lot_method cash_model flow_timing day:opened_on",
    ),
    "dim_instruments": (
        "public",
        "instrument_id",
        "id:instrument_id text:instrument_code instrument_name instrument_kind local_currency ticker isin "
        "int:amfi_code",
    ),
    "dim_funds": (
        "public",
        "instrument_id",
        "id:instrument_id int:scheme_code text:scheme_name isin_payout_or_growth isin_reinvestment "
        "plan option "
        "category fund_house",
    ),
    "fct_holdings": (
        "portfolio_id",
        "account_id instrument_id valuation_date",
        "id:account_id portfolio_id instrument_id price_load_id day:valuation_date price_date "
        "oldest_price_date "
        "units:units price:price_local int:price_line text:local_currency account_currency "
        "portfolio_currency "
        "quality method_version rate:fx_to_portfolio money:value_local value_account value_portfolio "
        "cost_portfolio gain_portfolio ratio:weight",
    ),
    "fct_positions": (
        "portfolio_id",
        "account_id instrument_id valid_from",
        "id:account_id portfolio_id instrument_id day:valid_from valid_to units:units "
        "money:price_cost_account",
    ),
    "fct_cash_balances": (
        "portfolio_id",
        "account_id valid_from",
        "id:account_id portfolio_id text:account_currency day:valid_from valid_to money:balance_account "
        "in_transit_account",
    ),
    "fct_fx_rates_daily": (
        "public",
        "from_currency to_currency valuation_date",
        "text:from_currency to_currency day:valuation_date rate:rate int:days_carried",
    ),
    "fct_portfolio_values_daily": (
        "portfolio_id",
        "portfolio_id valuation_date",
        "id:portfolio_id day:valuation_date oldest_price_date money:value_portfolio "
        "known_part_value_portfolio "
        "net_flow_portfolio income_portfolio fees_portfolio taxes_portfolio gains_portfolio "
        "currency_effect_portfolio ratio:daily_return cumulative_twr carried_share "
        "text:portfolio_currency quality",
    ),
    "fct_period_results": (
        "portfolio_id",
        "portfolio_id period",
        "id:portfolio_id text:period portfolio_currency quality day:start_date end_date oldest_price_date "
        "money:initial_value_portfolio gains_portfolio income_portfolio fees_portfolio taxes_portfolio "
        "currency_effect_portfolio net_flow_portfolio final_value_portfolio mean_investment_portfolio "
        "ratio:twr xirr simple_return modified_dietz linked_modified_dietz roai carried_share int:root_count",
    ),
    "fct_risk_measures": (
        "portfolio_id",
        "portfolio_id valuation_date measure basis method confidence horizon_days window_days",
        "id:portfolio_id day:valuation_date text:measure basis method note quality ratio:confidence value "
        "int:horizon_days window_days observations",
    ),
    "fct_allocations": (
        "portfolio_id",
        "portfolio_id valuation_date dimension bucket",
        "id:portfolio_id day:valuation_date text:dimension bucket portfolio_currency quality "
        "money:value_portfolio ratio:weight target_weight drift",
    ),
    "fct_transactions": (
        "portfolio_id",
        "transaction_id",
        "id:transaction_id account_id portfolio_id instrument_id text:kind status local_currency "
        "account_currency portfolio_currency rejection_reason quality day:trade_date settlement_date "
        "units:units "
        "price:price_local money:amount_local fee_local tax_local net_cash_account net_cash_portfolio "
        "flag:is_rejected",
    ),
    "fct_tax_lots": (
        "portfolio_id",
        "lot_id",
        "id:lot_id account_id portfolio_id instrument_id text:lot_method account_currency quality "
        "day:acquisition_date opened_on valuation_date units:units_acquired units_open "
        "money:price_cost_open_account tax_cost_open_account value_account gain_account",
    ),
    "fct_realised_gains": (
        "portfolio_id",
        "closing_transaction_id lot_id",
        "id:closing_transaction_id lot_id account_id portfolio_id instrument_id text:account_currency "
        "portfolio_currency quality day:acquisition_date sale_date int:holding_days units:units "
        "money:proceeds_account price_cost_account tax_cost_account gain_account gain_portfolio",
    ),
    "fct_rebalance_plans": (
        "tax_unit_id",
        "plan_id",
        "id:plan_id tax_unit_id text:night status reason reporting_currency day:valuation_date "
        "money:objective "
        "lower_bound cost_reporting naive_cost_reporting ratio:gap drift_before drift_after",
    ),
    "fct_rebalance_orders": (
        "portfolio_id",
        "order_id",
        "id:order_id plan_id portfolio_id account_id instrument_id text:side local_currency account_currency "
        "reason units:units price:price_local money:amount_account",
    ),
    "fct_recommendations": (
        "portfolio_id",
        "recommendation_id",
        "id:recommendation_id account_id portfolio_id text:night action headline body writer model "
        "prompt_version int:rank json:facts checks",
    ),
    "fct_alerts": (
        "portfolio_id",
        "alert_id",
        "id:alert_id portfolio_id text:rule opened_night closed_night day:valuation_date "
        "ratio:observed threshold",
    ),
    "fct_prices_daily": (
        "public",
        "instrument_id valuation_date",
        "id:instrument_id price_load_id day:valuation_date price_date price:price_local text:local_currency "
        "price_source quality missing_reason int:days_carried price_line",
    ),
    "fct_loads": (
        "staff",
        "load_id",
        "id:load_id text:source dataset slot night status payload_sha256 known_basis reason at:observed_at "
        "int:attempt payload_bytes rows_seen rows_new rows_changed rows_same rows_rejected",
    ),
    "fct_data_quality": (
        "staff",
        "night suite check_name subject",
        "text:night suite check_name subject severity status observed expected note",
    ),
}


def columns(name):
    """Type of each column of a mart, by name."""
    found = {}
    data_type = ""
    for word in MARTS[name][2].split():
        *kind, column = word.split(":")
        data_type = TYPES[kind[0]] if kind else data_type
        found[column] = data_type
    return found


def manifest():
    """Contracts of the marts above, as dbt writes them."""
    return {
        "nodes": {
            f"model.folio.{name}": {
                "resource_type": "model",
                "name": name,
                "original_file_path": f"models/marts/trial/{name}.sql",
                "description": f"Trial of {name}.",
                "config": {"meta": {"row_access": access, "key": key.split()}},
                "columns": {
                    column: {"name": column, "data_type": data_type, "description": ""}
                    for column, data_type in columns(name).items()
                },
            }
            for name, (access, key, _) in MARTS.items()
        }
    }


def built_rows(day, price, days, night):
    """What dbt would have built for a night: two investors who hold alike, told apart by access alone."""
    common = {
        "account_currency": "USD", "portfolio_currency": "USD", "local_currency": "USD", "quality": "ok",
        "method_version": "values-1",
    }  # fmt: skip
    rows = {name: [] for name in MARTS}
    rows["dim_instruments"].append(
        common
        | {"instrument_id": APPLE, "instrument_code": "AAPL", "ticker": "AAPL", "instrument_name": "Apple"}
        | {"instrument_kind": "equity"}
    )
    rows["dim_funds"].append(
        {
            "instrument_id": FUND,
            "scheme_code": 100001,
            "scheme_name": "Demo 100% Growth",
            "fund_house": "Demo",
        }
    )
    load = {
        "load_id": OLD_LOAD, "source": "polygon", "dataset": "daily_bars", "slot": "2013-02-26", "attempt": 1,
        "status": "loaded", "known_basis": "observed", "rows_seen": 1, "rows_new": 1, "rows_changed": 0,
        "rows_same": 0, "rows_rejected": 0,
    }  # fmt: skip
    rows["fct_loads"].append(load)
    rows["fct_data_quality"].append(
        {"night": night, "suite": "identities", "check_name": "units", "subject": "fct_holdings"}
        | {"severity": "fail", "status": "passed"}
    )
    rows["dim_instruments"].append(
        common
        | {"instrument_id": CASH, "instrument_code": "cash:USD", "instrument_name": "US dollar"}
        | {"instrument_kind": "cash"}
    )
    for each in [DAY_BEFORE, *days]:  # the holdings of the day before are not stored
        rows["fct_fx_rates_daily"].append(
            {
                "from_currency": "USD",
                "to_currency": "USD",
                "valuation_date": each,
                "rate": 1,
                "days_carried": 0,
            }
        )
        rows["fct_prices_daily"].append(
            common
            | {
                "instrument_id": APPLE,
                "valuation_date": each,
                "price_date": each,
                "price_local": price.get(each, 400),
            }
            | {"days_carried": 0, "price_source": "polygon"}
        )
    for number, (investor, portfolio, account) in enumerate(
        [(ASHA, ASHAS, ASHAS_ACCOUNT), (BORIS, BORISS, BORISS_ACCOUNT)], start=1
    ):
        own = common | {"portfolio_id": portfolio, "account_id": account, "instrument_id": APPLE}
        unique = lambda kind, number=number: uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}{number}")  # noqa: E731
        rows["dim_investors"].append(
            {"investor_id": investor, "household_id": investor, "tax_unit_id": investor}
            | {"investor_code": f"INV-{number}"}
        )
        rows["dim_portfolios"].append(
            own
            | {"investor_id": investor, "household_id": investor, "tax_unit_id": investor}
            | {"portfolio_code": f"PF-{number}", "portfolio_name": "Growth", "drift_band": Decimal("0.05")}
        )
        rows["dim_accounts"].append(
            own
            | {"account_code": f"ACC-{number}", "account_kind": "brokerage", "tax_regime": "US"}
            | {"lot_method": "fifo", "cash_model": "kept", "flow_timing": "start", "opened_on": days[0]}
        )
        rows["fct_positions"].append(
            own | {"valid_from": DAY_BEFORE, "units": 10, "price_cost_account": Decimal("4000")}
        )
        rows["fct_cash_balances"].append(
            own
            | {"valid_from": DAY_BEFORE}
            | {"balance_account": Decimal("480.25"), "in_transit_account": Decimal("20.00")}
        )
        for each in days:
            value = 10 * price[each]
            rows["fct_holdings"].append(
                own
                | {"valuation_date": each, "units": 10, "price_local": price[each], "price_date": each}
                | {"value_local": value, "value_account": value, "value_portfolio": value, "weight": 1}
                | {"price_load_id": OLD_LOAD if price[each] < 445 else NEW_LOAD, "price_line": 17}
                | {"fx_to_portfolio": 1}
            )
            rows["fct_portfolio_values_daily"].append(
                own | {"valuation_date": each, "value_portfolio": value}
            )
        rows["fct_period_results"].append(
            own
            | {
                "period": "1D",
                "start_date": days[0],
                "end_date": day,
                "final_value_portfolio": 10 * price[day],
            }
        )
        rows["fct_risk_measures"].append(
            own
            | {"valuation_date": day, "measure": "var", "basis": "actual_history", "method": "historical"}
            | {"confidence": Decimal("0.95"), "horizon_days": 1, "window_days": 500, "observations": 3}
            | {"note": "too few observations"}
        )
        for dimension, bucket in (("sector", "Technology"), ("currency", "USD")):
            rows["fct_allocations"].append(
                own | {"valuation_date": day, "dimension": dimension, "bucket": bucket, "weight": 1}
            )
        rows["fct_transactions"].append(
            own
            | {"transaction_id": unique("buy"), "kind": "buy", "status": "settled", "trade_date": days[0]}
            | {"units": 12, "price_local": 400, "amount_local": 4800, "is_rejected": False}
        )
        rows["fct_tax_lots"].append(
            own
            | {
                "lot_id": unique("lot"),
                "lot_method": "fifo",
                "acquisition_date": days[0],
                "opened_on": days[0],
            }
            | {"valuation_date": day, "units_acquired": 12, "units_open": 10}
        )
        rows["fct_realised_gains"].append(
            own
            | {"closing_transaction_id": unique("sale"), "lot_id": unique("lot"), "acquisition_date": days[0]}
            | {"sale_date": days[0], "holding_days": 0, "units": 2, "gain_account": Decimal("9.5")}
        )
        rows["fct_rebalance_plans"].append(
            {"plan_id": unique("plan" + night), "tax_unit_id": investor, "night": night, "status": "planned"}
            | {"valuation_date": day, "reporting_currency": "EUR"}
        )
        rows["fct_rebalance_orders"].append(
            own
            | {"order_id": unique("order" + night), "plan_id": unique("plan" + night), "side": "sell"}
            | {"units": 1, "price_local": price[day], "amount_account": price[day], "reason": "drift"}
        )
        rows["fct_recommendations"].append(
            own
            | {"recommendation_id": unique("advice" + night), "night": night, "rank": 1, "action": "hold"}
            | {"headline": "Hold", "body": "Nothing to do.", "facts": '{"f1": "1"}', "checks": "{}"}
            | {"writer": "plain", "prompt_version": "1"}
        )
        rows["fct_alerts"].append(
            own
            | {"alert_id": unique("alert"), "rule": "var_limit", "opened_night": FIRST}
            | {"valuation_date": days[0], "observed": Decimal("0.03"), "threshold": Decimal("0.02")}
        )
    return rows


def publish(night, price):
    """Build the marts of a night from the prices of its days and publish them whole."""
    nights.open_night(night)
    day = nights.Night.parse(night).valuation_date
    with connections.connect() as connection:
        for name, rows in built_rows(day, price, sorted(price), night).items():
            listed = columns(name)
            connection.execute(f"drop table if exists build.{name}")
            connection.execute(
                f"create table build.{name} ({', '.join(' '.join(each) for each in listed.items())})"
            )
            for row in rows:
                connection.execute(
                    f"insert into build.{name} values ({', '.join(['%s'] * len(listed))})",
                    [row.get(column) for column in listed],
                )
            connection.execute("insert into build.touched (relation) values (%s)", [name])
    with connections.connect() as connection:
        store.provision(connection, manifest())
        return store.publish(connection, manifest(), night)


@dataclasses.dataclass
class Served:
    """What the tests know of the published database."""

    first: store.Publication
    second: store.Publication
    asha: str
    boris: str
    analyst: str


def restate(price=Decimal("444.57")):
    """The second night: one more day, and another price of the first."""
    return publish(SECOND, {FIRST_DAY: Decimal("448.97"), SECOND_DAY: price})


@pytest.fixture(scope="session")
def published_template(postgres, migrated_template):
    """A published database that each test's own is copied from, and what is known of it."""
    name = "folio_api_template"
    postgres.create_database(name, template=migrated_template)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FOLIO_DSN", postgres.url(name))
        settings.cache_clear()
        first = publish(FIRST, {FIRST_DAY: Decimal("442.80")})
        with connections.connect() as connection:
            for load_id, attempt in ((OLD_LOAD, 1), (NEW_LOAD, 2)):
                connection.execute(
                    "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status)"
                    " values (%s, 'polygon', 'daily_bars', '2013-02-26', %s, '', 'running')",
                    [load_id, attempt],
                )
            for code, investor in (("INV-1", ASHA), ("INV-2", BORIS)):
                connection.execute(
                    "insert into raw.identities values ('investor', %s, %s, %s)", [code, investor, OLD_LOAD]
                )
            keys = [create_key(connection, "trial", "client", [code]) for code in ("INV-1", "INV-2")]
            analyst = create_key(connection, "trial", "analyst")
        second = restate()
    settings.cache_clear()
    assert first is not None
    assert second is not None
    return name, Served(first, second, *keys, analyst)


@pytest.fixture
def served(postgres, published_template, tmp_path, monkeypatch):
    """Two nights, of which the second restated the price of the first; keys of two clients and an analyst."""
    template, known = published_template
    name = f"folio_{secrets.token_hex(6)}"
    postgres.create_database(name, template=template)
    monkeypatch.setenv("FOLIO_DSN", postgres.url(name))
    monkeypatch.setenv("FOLIO_STATE", str(tmp_path / "state"))
    settings.cache_clear()
    yield known
    settings.cache_clear()
    postgres.drop_database(name)


@pytest.fixture
def client(served):
    """A client without a key."""
    with TestClient(create_app()) as made:
        yield made


@pytest.fixture
def asha(client, served):
    """A client with Asha's key."""
    client.headers["X-API-Key"] = served.asha
    return client


@pytest.fixture
def republish():
    """Publishes the second night again with another price of its day."""
    return restate
