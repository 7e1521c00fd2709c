"""Identities that built tables must satisfy before a night is published: one figure added up two ways."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

CENT = Decimal("0.01")
UNIT = Decimal("0.000000001")


@dataclass(frozen=True)
class Identity:
    """A law of built tables, as a query for its breaches.

    `breaches` gives one row a breach: what (text), one side, the other side. It may use %(tolerance)s.
    """

    name: str
    relation: str
    law: str
    tolerance: Decimal
    breaches: str


@dataclass(frozen=True)
class Finding:
    """How an identity held: the number of breaches and the first few of them in words."""

    identity: Identity
    breaches: int
    examples: str


IDENTITIES = (
    Identity(
        name="units_of_lots_are_units_held",
        relation="fct_tax_lots",
        law="the open units of an account's lots add up to its position",
        tolerance=UNIT,
        breaches="""
            with lots as (
                select account_id, instrument_id, sum(units_open) as units
                from build.fct_tax_lots group by 1, 2
            ), positions as (
                select account_id, instrument_id, units from build.fct_positions where valid_to is null
            )
            select 'account ' || account_id || ', instrument ' || instrument_id,
                   coalesce(lots.units, 0), coalesce(positions.units, 0)
            from lots full join positions using (account_id, instrument_id)
            where abs(coalesce(lots.units, 0) - coalesce(positions.units, 0)) > %(tolerance)s
        """,
    ),
    Identity(
        name="units_booked_are_units_held",
        relation="fct_positions",
        law="booked units, brought to today's basis by later splits, add up to the position",
        tolerance=UNIT,
        breaches="""
            with splits as materialized (
                select distinct account_id, instrument_id, trade_date, ratio
                from build.int_ledger_events where kind = 'split'
            ), booked as (
                select transactions.account_id, transactions.instrument_id,
                       sum(kinds.units_sign * units
                           * coalesce((select ops.product(splits.ratio) from splits
                                       where splits.account_id = transactions.account_id
                                         and splits.instrument_id = transactions.instrument_id
                                         and splits.trade_date > transactions.trade_date), 1)) as units
                from build.fct_transactions as transactions
                join build.transaction_kinds as kinds using (kind)
                where not is_rejected and status = 'settled' and transactions.instrument_id is not null
                  and kinds.units_sign <> 0
                group by 1, 2
            ), positions as (
                select account_id, instrument_id, units from build.fct_positions where valid_to is null
            )
            select 'account ' || account_id || ', instrument ' || instrument_id,
                   coalesce(booked.units, 0), coalesce(positions.units, 0)
            from booked full join positions using (account_id, instrument_id)
            where abs(coalesce(booked.units, 0) - coalesce(positions.units, 0)) > %(tolerance)s
        """,
    ),
    Identity(
        name="cost_in_is_cost_out_and_cost_held",
        relation="fct_realised_gains",
        law="what was paid for units is the cost of lots open and of lots sold, in every household all of "
        "whose transfers have arrived, between accounts of one currency",
        tolerance=CENT,
        breaches="""
            with homes as (
                select account_id, account_currency, household_id
                from build.dim_accounts join build.dim_portfolios using (portfolio_id)
            ), counted as (
                select events.*, homes.household_id, homes.account_currency as home_currency,
                       kinds.ledger_effect,
                       case when events.kind in ('transfer_out', 'merger_out') then 'out'
                            when events.kind in ('transfer_in', 'merger_in') then 'in' end as leg
                from build.int_ledger_events as events
                join homes using (account_id)
                join build.transaction_kinds as kinds using (kind)
                left join computed.ledger_rejections as refused using (transaction_id)
                where refused.transaction_id is null
            ), paired as (
                select legs.*, others.household_id as other_household_id,
                       others.home_currency as other_currency
                from counted as legs
                left join counted as others
                    on others.pair_key = legs.pair_key and others.leg <> legs.leg
                    and (legs.kind not in ('transfer_out', 'transfer_in')
                         or others.instrument_id = legs.instrument_id)
                where legs.leg is not null
            ), left_out as (
                select household_id from paired
                where (other_household_id is null and leg = 'out')
                    or (other_household_id, other_currency) <> (household_id, home_currency)
            ), paid as (
                select household_id, home_currency as account_currency, sum(tax_cost_account) as cost
                from counted
                where ledger_effect = 'opening' and transaction_id not in (
                    select transaction_id from paired where other_household_id is not null
                )
                group by 1, 2
            ), kept as (
                select household_id, account_currency, sum(cost) as cost from (
                    select account_id, tax_cost_open_account as cost from build.fct_tax_lots
                    union all
                    select account_id,
                           tax_cost_account - case when lot_method = 'acb' then disallowed_account else 0 end
                    from build.fct_realised_gains join build.dim_accounts using (account_id)
                ) as both_sides join homes using (account_id) group by 1, 2
            )
            select 'household ' || household_id || ' in ' || account_currency,
                   coalesce(paid.cost, 0), coalesce(kept.cost, 0)
            from paid full join kept using (household_id, account_currency)
            where household_id not in (select household_id from left_out)
              and abs(coalesce(paid.cost, 0) - coalesce(kept.cost, 0)) > %(tolerance)s
        """,
    ),
    Identity(
        name="cash_booked_is_cash_held",
        relation="fct_cash_balances",
        law="the booked cash of an account with kept cash adds up to its balance",
        tolerance=CENT,
        breaches="""
            with booked as (
                select account_id, sum(net_cash_account) as balance
                from build.fct_transactions
                join build.dim_accounts using (account_id)
                where cash_model = 'kept' and not is_rejected and status = 'settled'
                  and trade_date <= (select valuation_date from ops.night)
                group by 1
            ), held as (
                select account_id, balance_account as balance
                from build.fct_cash_balances where valid_to is null
            )
            select 'account ' || account_id, coalesce(booked.balance, 0), coalesce(held.balance, 0)
            from booked full join held using (account_id)
            where abs(coalesce(booked.balance, 0) - coalesce(held.balance, 0)) > %(tolerance)s
        """,
    ),
    Identity(
        name="holdings_add_up_to_the_portfolio",
        relation="fct_holdings",
        law="the holdings of a portfolio on the valuation date add up to its value",
        tolerance=CENT,
        breaches="""
            with holdings as (
                select portfolio_id, sum(value_portfolio) as value
                from build.fct_holdings
                where valuation_date = (select valuation_date from ops.night)
                group by 1
                having count(*) = count(value_portfolio)
            ), portfolios as (
                select portfolio_id, value_portfolio as value
                from build.fct_portfolio_values_daily
                where valuation_date = (select valuation_date from ops.night) and value_portfolio is not null
            )
            select 'portfolio ' || portfolio_id, coalesce(holdings.value, 0), coalesce(portfolios.value, 0)
            from holdings full join portfolios using (portfolio_id)
            where abs(coalesce(holdings.value, 0) - coalesce(portfolios.value, 0)) > %(tolerance)s
        """,
    ),
    Identity(
        name="days_add_up",
        relation="fct_portfolio_values_daily",
        law="yesterday's value, flows, gains, income, fees, taxes and currency make today's value",
        tolerance=CENT,
        breaches="""
            with days as (
                select *, sum(coalesce(net_flow_portfolio, 0) + coalesce(income_portfolio, 0)
                              - coalesce(fees_portfolio, 0) - coalesce(taxes_portfolio, 0)
                              + coalesce(gains_portfolio, 0) + coalesce(currency_effect_portfolio, 0))
                          over (partition by portfolio_id order by valuation_date) as added_up
                from build.fct_portfolio_values_daily
            )
            select 'portfolio ' || portfolio_id || ' on ' || valuation_date, added_up, value_portfolio
            from days
            where value_portfolio is not null and abs(added_up - value_portfolio) > %(tolerance)s
        """,
    ),
    Identity(
        name="periods_add_up",
        relation="fct_period_results",
        law="initial value, flows, gains, income, fees, taxes and currency make the final value",
        tolerance=CENT,
        breaches="""
            with results as (
                select *, initial_value_portfolio + net_flow_portfolio + gains_portfolio + income_portfolio
                          - fees_portfolio - taxes_portfolio + currency_effect_portfolio as added_up
                from build.fct_period_results
            )
            select 'portfolio ' || portfolio_id || ', ' || period, added_up, final_value_portfolio
            from results
            where abs(added_up - final_value_portfolio) > %(tolerance)s
        """,
    ),
    Identity(
        name="weights_add_up_to_one",
        relation="fct_allocations",
        law="the weights of a portfolio's buckets add up to one in every dimension",
        tolerance=Decimal("0.000001"),
        breaches="""
            select 'portfolio ' || portfolio_id || ' by ' || dimension, sum(weight), 1
            from build.fct_allocations
            where weight is not null
            group by portfolio_id, valuation_date, dimension
            having abs(sum(weight) - 1) > %(tolerance)s
        """,
    ),
)


def examine(connection: psycopg.Connection[Any], identity: Identity, most: int = 3) -> Finding:
    """Count an identity's breaches in the built tables and put the first few in words."""
    rows = connection.execute(
        f"select count(*) over (), * from ({identity.breaches}) as breaches limit {most}",
        {"tolerance": identity.tolerance},
    ).fetchall()
    examples = "; ".join(f"{what}: {one} is not {other}" for _, what, one, other in rows)
    return Finding(identity, rows[0][0] if rows else 0, examples)
