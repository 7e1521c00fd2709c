{{
    config(
        materialized='table',
        tags=['values'],
        indexes=[{'columns': ['account_id', 'trade_date']}],
        post_hook='analyze {{ this }}'
    )
}}

with transactions as (
    select transactions.*
    from {{ ref('int_transactions_converted') }} as transactions
    where
        transactions.status = 'settled'
        and not exists (
            select 1
            from {{ ref('stg_computed__ledger_rejections') }} as rejections
            where rejections.transaction_id = transactions.transaction_id
        )
),

-- What leaves on one day and arrives on a later one is on its way until then, also where the ledger refuses what
-- arrives: whether it does may hang on later facts.
departures as (
    select
        leaving.transaction_id,
        min(arriving.trade_date) as in_transit_until
    from transactions as leaving
    inner join {{ ref('int_transactions_converted') }} as arriving
        on
            leaving.pair_key = arriving.pair_key
            and arriving.kind = replace(leaving.kind, '_out', '_in')
            and (leaving.kind <> 'transfer_out' or leaving.instrument_id = arriving.instrument_id)
    where leaving.kind in ('transfer_out', 'switch_out', 'merger_out', 'swap_out') and arriving.status = 'settled'
    group by leaving.transaction_id, leaving.trade_date
    having min(arriving.trade_date) > leaving.trade_date
),

-- Units that move between accounts are worth their closing price; without one, what the book says.
priced as (
    select
        transactions.*,
        departures.in_transit_until,
        transactions.kind in ('transfer_in', 'transfer_out') as is_in_kind,
        case
            when departures.in_transit_until is not null and transactions.kind in ('transfer_out', 'switch_out')
                then departures.in_transit_until
            else transactions.trade_date
        end as flow_date,
        prices.price_local is null or rates.rate is null as is_without_price,
        coalesce(
            cast(transactions.units * prices.price_local * rates.rate as numeric(28, 8)),
            transactions.amount_account,
            0
        ) as value_in_kind
    from transactions
    left join departures
        on transactions.transaction_id = departures.transaction_id
    left join {{ ref('int_prices_carried') }} as prices
        on
            (transactions.kind in ('transfer_in', 'transfer_out') or departures.transaction_id is not null)
            and transactions.instrument_id = prices.instrument_id
            and transactions.trade_date = prices.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as rates
        on
            prices.local_currency = rates.from_currency
            and transactions.account_currency = rates.to_currency
            and transactions.trade_date = rates.valuation_date
),

measured as (
    select
        *,
        case when is_in_kind then units_sign * value_in_kind else 0 end
        + case
            when cash_model = 'implied' and kind not in ('deposit', 'withdrawal') then -coalesce(net_cash_account, 0)
            when cash_model = 'kept' and kind in ('deposit', 'withdrawal') then cash_sign * coalesce(amount_account, 0)
            else 0
        end as gross_flow_account,
        case when is_income then coalesce(amount_account, 0) else 0 end as income_account,
        coalesce(fee_account, 0) + case when is_fee then coalesce(amount_account, 0) else 0 end as fees_account,
        coalesce(tax_account, 0) + case when is_tax then coalesce(amount_account, 0) else 0 end as taxes_account
    from priced
),

-- The flow of what is on its way counts on the day on which it arrives, at that day's rate.
rated as (
    select
        measured.*,
        cast(
            case
                when measured.in_transit_until is null then 0
                when measured.kind in ('transfer_out', 'switch_out') then -measured.gross_flow_account
                else measured.value_in_kind
            end as numeric(28, 8)
        ) as in_transit_account,
        coalesce(rates.rate, measured.fx_account_to_portfolio) as fx_of_flow
    from measured
    left join {{ ref('fct_fx_rates_daily') }} as rates
        on
            measured.flow_date > measured.trade_date
            and measured.account_currency = rates.from_currency
            and measured.portfolio_currency = rates.to_currency
            and measured.flow_date = rates.valuation_date
),

converted as (
    select
        *,
        cast(gross_flow_account * coalesce(fx_of_flow, 0) as numeric(28, 8)) as gross_flow_portfolio
    from rated
),

-- Both legs of a transfer or switch within one account or portfolio are no flow of it.
paired as (
    select
        *,
        pair_key is not null
        and bool_or(gross_flow_account > 0) over account_pair
        and bool_or(gross_flow_account < 0) over account_pair as is_within_account,
        pair_key is not null
        and bool_or(gross_flow_account > 0) over portfolio_pair
        and bool_or(gross_flow_account < 0) over portfolio_pair as is_within_portfolio,
        sum(gross_flow_account) over account_pair as pair_flow_account,
        sum(gross_flow_portfolio) over portfolio_pair as pair_flow_portfolio,
        row_number() over (account_pair order by kind, transaction_id) as leg_in_account,
        row_number() over (portfolio_pair order by kind, transaction_id) as leg_in_portfolio,
        bool_and(kind in ('switch_in', 'switch_out')) over portfolio_pair as is_switch
    from converted
    window
        account_pair as (partition by account_id, flow_date, coalesce(pair_key, cast(transaction_id as text))),
        portfolio_pair as (partition by portfolio_id, flow_date, coalesce(pair_key, cast(transaction_id as text)))
),

-- What a switch leaves over (money added or paid out) stays a flow, on its first leg, and so does the money of a
-- transfer in kind: its fees, where the account has no cash to pay them from.
netted as (
    select
        *,
        case
            when not is_within_account then gross_flow_account
            when is_in_kind then gross_flow_account - units_sign * value_in_kind
            when is_switch and leg_in_account = 1 then pair_flow_account
            else 0
        end as flow_account,
        case
            when not is_within_portfolio then gross_flow_portfolio
            when is_in_kind then (gross_flow_account - units_sign * value_in_kind) * coalesce(fx_of_flow, 0)
            when is_switch and leg_in_portfolio = 1 then pair_flow_portfolio
            else 0
        end as flow_portfolio
    from paired
)

select
    transaction_id,
    account_id,
    portfolio_id,
    trade_date,
    flow_date,
    settlement_date,
    kind,
    cash_model,
    net_cash_account,
    in_transit_until,
    in_transit_account,
    cast(flow_account as numeric(28, 8)) as flow_account,
    cast(income_account as numeric(28, 8)) as income_account,
    cast(fees_account as numeric(28, 8)) as fees_account,
    cast(taxes_account as numeric(28, 8)) as taxes_account,
    cast(flow_portfolio as numeric(28, 8)) as flow_portfolio,
    cast(income_account * coalesce(fx_account_to_portfolio, 0) as numeric(28, 8)) as income_portfolio,
    cast(fees_account * coalesce(fx_account_to_portfolio, 0) as numeric(28, 8)) as fees_portfolio,
    cast(taxes_account * coalesce(fx_account_to_portfolio, 0) as numeric(28, 8)) as taxes_portfolio,
    is_in_kind or flow_timing = 'end' as is_flow_at_end,
    is_without_price
    and (is_in_kind or (in_transit_until is not null and kind in ('merger_out', 'swap_out'))) as is_estimated,
    net_cash_portfolio is null as is_unconverted
from netted
