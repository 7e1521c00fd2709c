{{ config(tags=['ledger']) }}

select
    portfolios.portfolio_id,
    portfolios.portfolio_code,
    portfolios.portfolio_name,
    portfolios.investor_id,
    investors.household_id,
    investors.tax_unit_id,
    portfolios.portfolio_currency,
    portfolios.var_limit,
    portfolios.drift_band
from {{ ref('stg_books__portfolios') }} as portfolios
inner join {{ ref('stg_books__investors') }} as investors
    on portfolios.investor_id = investors.investor_id
