{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('values') }}"],
        on_schema_change='fail',
        tags=['values'],
        indexes=[{'columns': ['portfolio_id', 'valuation_date', 'local_currency'], 'unique': true}],
        pre_hook='{{ work_memory() }}',
        post_hook='analyze {{ this }}'
    )
}}

select
    accounts.portfolio_id,
    parts.local_currency,
    portfolios.portfolio_currency,
    parts.valuation_date,
    cast(sum(parts.known_value_local) as numeric(28, 8)) as known_value_local
from {{ ref('int_account_currency_values_daily') }} as parts
inner join {{ ref('dim_accounts') }} as accounts
    on parts.account_id = accounts.account_id
inner join {{ ref('dim_portfolios') }} as portfolios
    on accounts.portfolio_id = portfolios.portfolio_id
where
    parts.local_currency <> portfolios.portfolio_currency
    and parts.valuation_date >= {{ first_touched_day('values') }}
group by accounts.portfolio_id, parts.local_currency, portfolios.portfolio_currency, parts.valuation_date
