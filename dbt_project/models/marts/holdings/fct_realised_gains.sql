{{ config(tags=['values']) }}

with matches as (
    select
        matches.*,
        accounts.portfolio_id,
        accounts.account_currency,
        portfolios.portfolio_currency,
        rates.rate as fx_account_to_portfolio,
        cast(matches.proceeds_account - matches.tax_cost_account as numeric(28, 8)) as gain_account,
        coalesce(rates.days_carried > 0, false) as is_carried
    from {{ ref('stg_computed__lot_matches') }} as matches
    inner join {{ ref('dim_accounts') }} as accounts
        on matches.account_id = accounts.account_id
    inner join {{ ref('dim_portfolios') }} as portfolios
        on accounts.portfolio_id = portfolios.portfolio_id
    left join {{ ref('fct_fx_rates_daily') }} as rates
        on
            accounts.account_currency = rates.from_currency
            and portfolios.portfolio_currency = rates.to_currency
            and matches.sale_date = rates.valuation_date
)

select
    closing_transaction_id,
    lot_id,
    account_id,
    portfolio_id,
    instrument_id,
    acquisition_date,
    sale_date,
    sale_date - acquisition_date as holding_days,
    units,
    proceeds_account,
    price_cost_account,
    tax_cost_account,
    gain_account,
    match_rule,
    term,
    disallowed_account,
    cost_added_account,
    cast(gain_account - cost_added_account + disallowed_account as numeric(28, 8)) as taxable_gain_account,
    account_currency,
    cast(gain_account * fx_account_to_portfolio as numeric(28, 8)) as gain_portfolio,
    portfolio_currency,
    {{ quality('fx_account_to_portfolio is null', 'false', 'is_carried') }} as quality,
    'lots-2' as method_version
from matches
