{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('values') }}"],
        on_schema_change='fail',
        tags=['values'],
        indexes=[{'columns': ['portfolio_id', 'valuation_date'], 'unique': true}],
        pre_hook='{{ work_memory() }}',
        post_hook='analyze {{ this }}'
    )
}}

with portfolios as (
    {{ explained_from('values', ref('dim_portfolios'), 'portfolio_id', 'value_portfolio') }}
),

days as (
    select
        account_values.portfolio_id,
        account_values.portfolio_currency,
        account_values.valuation_date,
        sum(account_values.known_part_value_portfolio) as known_part_value_portfolio,
        sum(account_values.carried_value_portfolio) as carried_value_portfolio,
        bool_or(account_values.is_incomplete_in_portfolio) as is_incomplete,
        bool_or(account_values.is_estimated) as is_estimated,
        bool_or(account_values.is_rate_carried) as is_rate_carried,
        min(account_values.oldest_price_date) as oldest_price_date
    from {{ ref('int_account_values_daily') }} as account_values
    inner join portfolios
        on account_values.portfolio_id = portfolios.portfolio_id and account_values.valuation_date >= portfolios.explained_from
    group by account_values.portfolio_id, account_values.portfolio_currency, account_values.valuation_date
),

with_flows as (
    select
        days.portfolio_id,
        days.portfolio_currency,
        days.valuation_date,
        days.known_part_value_portfolio,
        days.carried_value_portfolio,
        days.is_incomplete,
        days.is_rate_carried,
        days.oldest_price_date,
        cast(coalesce(flows.deposits_start_portfolio, 0) as numeric(28, 8)) as deposits_start_portfolio,
        cast(coalesce(flows.deposits_end_portfolio, 0) as numeric(28, 8)) as deposits_end_portfolio,
        cast(coalesce(flows.withdrawals_portfolio, 0) as numeric(28, 8)) as withdrawals_portfolio,
        cast(coalesce(flows.net_flow_portfolio, 0) as numeric(28, 8)) as net_flow_portfolio,
        cast(coalesce(flows.income_portfolio, 0) as numeric(28, 8)) as income_portfolio,
        cast(coalesce(flows.fees_portfolio, 0) as numeric(28, 8)) as fees_portfolio,
        cast(coalesce(flows.taxes_portfolio, 0) as numeric(28, 8)) as taxes_portfolio,
        case when not days.is_incomplete then days.known_part_value_portfolio end as value_portfolio,
        days.is_estimated or coalesce(flows.is_estimated, false) as is_estimated,
        sum(
            coalesce(flows.net_flow_portfolio + flows.income_portfolio - flows.fees_portfolio - flows.taxes_portfolio, 0)
        ) over (partition by days.portfolio_id order by days.valuation_date) as explained_so_far
    from days
    left join {{ ref('int_portfolio_flows_daily') }} as flows
        on days.portfolio_id = flows.portfolio_id and days.valuation_date = flows.flow_date
),

valued_days as (
    select
        portfolio_id,
        valuation_date,
        lag(valuation_date) over to_date as previous_valued_date,
        value_portfolio - coalesce(lag(value_portfolio) over to_date, 0)
        - (explained_so_far - coalesce(lag(explained_so_far) over to_date, 0)) as unexplained_portfolio
    from with_flows
    where value_portfolio is not null
    window to_date as (partition by portfolio_id order by valuation_date)
),

-- What was held in another currency on the last valued day, at the change of its rate since.
currency_effects as (
    select
        valued_days.portfolio_id,
        valued_days.valuation_date,
        cast(
            sum(parts.known_value_local * coalesce(now_rates.rate - then_rates.rate, 0)) as numeric(28, 8)
        ) as currency_effect_portfolio
    from valued_days
    inner join {{ ref('int_portfolio_currency_values_daily') }} as parts
        on
            valued_days.portfolio_id = parts.portfolio_id
            and valued_days.previous_valued_date = parts.valuation_date
    inner join {{ ref('fct_fx_rates_daily') }} as then_rates
        on
            parts.local_currency = then_rates.from_currency
            and parts.portfolio_currency = then_rates.to_currency
            and parts.valuation_date = then_rates.valuation_date
    inner join {{ ref('fct_fx_rates_daily') }} as now_rates
        on
            parts.local_currency = now_rates.from_currency
            and parts.portfolio_currency = now_rates.to_currency
            and valued_days.valuation_date = now_rates.valuation_date
    where valued_days.valuation_date >= {{ first_touched_day('values') }}
    group by valued_days.portfolio_id, valued_days.valuation_date
)

select
    with_flows.portfolio_id,
    with_flows.valuation_date,
    cast(with_flows.value_portfolio as numeric(28, 8)) as value_portfolio,
    cast(with_flows.known_part_value_portfolio as numeric(28, 8)) as known_part_value_portfolio,
    with_flows.deposits_start_portfolio,
    with_flows.withdrawals_portfolio,
    with_flows.deposits_end_portfolio,
    with_flows.net_flow_portfolio,
    with_flows.income_portfolio,
    with_flows.fees_portfolio,
    with_flows.taxes_portfolio,
    cast(
        valued_days.unexplained_portfolio - coalesce(currency_effects.currency_effect_portfolio, 0) as numeric(28, 8)
    ) as gains_portfolio,
    cast(
        case
            when valued_days.portfolio_id is not null then coalesce(currency_effects.currency_effect_portfolio, 0)
        end as numeric(28, 8)
    ) as currency_effect_portfolio,
    valued_days.previous_valued_date,
    with_flows.portfolio_currency,
    {{
        quality(
            'with_flows.is_incomplete',
            'with_flows.is_estimated',
            'with_flows.carried_value_portfolio <> 0 or with_flows.is_rate_carried'
        )
    }} as quality,
    with_flows.oldest_price_date,
    cast(
        least(greatest(with_flows.carried_value_portfolio / nullif(with_flows.value_portfolio, 0), 0), 1)
        as numeric(20, 12)
    ) as carried_share
from with_flows
left join valued_days
    on with_flows.portfolio_id = valued_days.portfolio_id and with_flows.valuation_date = valued_days.valuation_date
left join currency_effects
    on
        with_flows.portfolio_id = currency_effects.portfolio_id
        and with_flows.valuation_date = currency_effects.valuation_date
where with_flows.valuation_date >= {{ first_touched_day('values') }}
