{{
    config(
        materialized='table',
        tags=['ledger'],
        indexes=[{'columns': ['transaction_id'], 'unique': true}, {'columns': ['account_id', 'trade_date']}],
        post_hook='analyze {{ this }}'
    )
}}

with transactions as (
    select
        transactions.*,
        accounts.portfolio_id,
        accounts.account_currency,
        accounts.cash_model,
        accounts.flow_timing,
        accounts.lot_method,
        portfolios.portfolio_currency,
        kinds.units_sign,
        kinds.cash_sign,
        kinds.ledger_effect,
        kinds.is_income,
        kinds.is_fee,
        kinds.is_tax
    from {{ ref('stg_books__transactions') }} as transactions
    inner join {{ ref('stg_books__accounts') }} as accounts
        on transactions.account_id = accounts.account_id
    inner join {{ ref('stg_books__portfolios') }} as portfolios
        on accounts.portfolio_id = portfolios.portfolio_id
    inner join {{ ref('transaction_kinds') }} as kinds
        on coalesce(transactions.reverses, transactions.kind) = kinds.kind
    cross join {{ ref('stg_ops__night') }} as night
    where transactions.trade_date <= night.valuation_date
),

rated as (
    select
        transactions.*,
        to_portfolio.rate as fx_account_to_portfolio,
        -- What a reversal takes back counts with the other sign.
        case when transactions.kind = 'reversal' then -1 else 1 end as direction,
        -- Coins that were swapped are worth their closing price where the book says no value.
        case
            when transactions.kind in ('swap_in', 'swap_out')
                then transactions.units * prices.price_local * price_rates.rate
        end as market_value_account,
        coalesce(
            case when transactions.local_currency <> transactions.account_currency then transactions.booked_fx_rate end,
            to_account.rate
        ) as fx_to_account,
        coalesce(to_account.days_carried > 0 and transactions.booked_fx_rate is null, false)
        or coalesce(to_portfolio.days_carried > 0, false) as is_rate_carried
    from transactions
    left join {{ ref('fct_fx_rates_daily') }} as to_account
        on
            transactions.local_currency = to_account.from_currency
            and transactions.account_currency = to_account.to_currency
            and transactions.trade_date = to_account.valuation_date
    left join {{ ref('int_prices_carried') }} as prices
        on
            transactions.kind in ('swap_in', 'swap_out')
            and transactions.instrument_id = prices.instrument_id
            and transactions.trade_date = prices.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as price_rates
        on
            prices.local_currency = price_rates.from_currency
            and transactions.account_currency = price_rates.to_currency
            and transactions.trade_date = price_rates.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_portfolio
        on
            transactions.account_currency = to_portfolio.from_currency
            and transactions.portfolio_currency = to_portfolio.to_currency
            and transactions.trade_date = to_portfolio.valuation_date
),

converted as (
    select
        *,
        cast(fx_to_account * fx_account_to_portfolio as numeric(28, 12)) as fx_to_portfolio,
        cast(
            coalesce(direction * amount_local * fx_to_account, market_value_account) as numeric(28, 8)
        ) as amount_account,
        cast(direction * fee_local * fx_to_account as numeric(28, 8)) as fee_account,
        cast(direction * tax_local * fx_to_account as numeric(28, 8)) as tax_account
    from rated
),

netted as (
    select
        *,
        -- Money that moves in the account: in reinvested and in-kind events only fees and taxes can.
        case
            when kind = 'reinvest' then 0 * fx_to_account
            else cash_sign * coalesce(amount_account, 0) - fee_account - tax_account
        end as net_cash
    from converted
)

select
    transaction_id,
    account_id,
    portfolio_id,
    instrument_id,
    kind,
    status,
    trade_date,
    settlement_date,
    occurred_at,
    units,
    price_local,
    amount_local,
    fee_local,
    tax_local,
    local_currency,
    cast(fx_to_account as numeric(28, 12)) as fx_to_account,
    amount_account,
    fee_account,
    tax_account,
    cast(net_cash as numeric(28, 8)) as net_cash_account,
    account_currency,
    fx_account_to_portfolio,
    fx_to_portfolio,
    cast(net_cash * fx_account_to_portfolio as numeric(28, 8)) as net_cash_portfolio,
    portfolio_currency,
    pair_key,
    external_id,
    named_lot,
    cash_model,
    flow_timing,
    lot_method,
    units_sign,
    cash_sign,
    ledger_effect,
    is_income,
    is_fee,
    is_tax,
    is_rate_carried,
    load_id,
    source_line
from netted
