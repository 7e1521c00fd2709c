{{ config(tags=['ledger']) }}

select
    accounts.account_id,
    accounts.account_code,
    accounts.account_name,
    accounts.portfolio_id,
    accounts.account_kind,
    accounts.account_currency,
    accounts.tax_regime,
    accounts.lot_method,
    accounts.cash_model,
    accounts.flow_timing,
    accounts.opened_on
from {{ ref('stg_books__accounts') }} as accounts
inner join {{ ref('dim_portfolios') }} as portfolios
    on accounts.portfolio_id = portfolios.portfolio_id
