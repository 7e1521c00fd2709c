{{ config(tags=['values']) }}

select
    accounts.portfolio_id,
    parts.local_currency,
    portfolios.portfolio_currency,
    parts.valuation_date,
    sum(parts.known_value_local) as known_value_local
from {{ ref('int_account_currency_values_daily') }} as parts
inner join {{ ref('dim_accounts') }} as accounts
    on parts.account_id = accounts.account_id
inner join {{ ref('dim_portfolios') }} as portfolios
    on accounts.portfolio_id = portfolios.portfolio_id
where parts.local_currency <> portfolios.portfolio_currency
group by accounts.portfolio_id, parts.local_currency, portfolios.portfolio_currency, parts.valuation_date
