{{ config(tags=['values']) }}

with effects as (
    select
        account_id,
        trade_date,
        in_transit_until,
        in_transit_account,
        net_cash_account,
        cash_model = 'kept' and (net_cash_account is null or net_cash_account <> 0) as is_cash,
        coalesce(settlement_date, trade_date) as settlement_date
    from {{ ref('int_transaction_effects') }}
),

changes as (
    select
        account_id,
        trade_date as change_date,
        net_cash_account as booked,
        0 as settled,
        case when net_cash_account is null then 1 else 0 end as unknown_amounts,
        0 as in_transit
    from effects
    where is_cash
    union all
    select
        account_id,
        trade_date as change_date,
        0 as booked,
        0 as settled,
        0 as unknown_amounts,
        in_transit_account as in_transit
    from effects
    where in_transit_account <> 0
    union all
    select
        account_id,
        in_transit_until as change_date,
        0 as booked,
        0 as settled,
        0 as unknown_amounts,
        -in_transit_account as in_transit
    from effects
    where in_transit_account <> 0
    union all
    select
        effects.account_id,
        greatest(effects.settlement_date, effects.trade_date) as change_date,
        0 as booked,
        effects.net_cash_account as settled,
        0 as unknown_amounts,
        0 as in_transit
    from effects
    cross join {{ ref('stg_ops__night') }} as night
    where effects.is_cash and effects.settlement_date <= night.valuation_date
),

summed_by_day as (
    select
        account_id,
        change_date,
        sum(coalesce(booked, 0)) as booked,
        sum(coalesce(settled, 0)) as settled,
        sum(unknown_amounts) as unknown_amounts,
        sum(in_transit) as in_transit
    from changes
    group by account_id, change_date
),

running as (
    select
        account_id,
        change_date,
        lead(change_date) over to_date as next_change_date,
        sum(booked) over to_date as balance_account,
        sum(settled) over to_date as settled_balance_account,
        sum(unknown_amounts) over to_date as unknown_amounts,
        sum(in_transit) over to_date as in_transit_account
    from summed_by_day
    window to_date as (partition by account_id order by change_date)
)

-- An amount without an exchange rate leaves the balance unknown from its day on.
select
    running.account_id,
    accounts.portfolio_id,
    accounts.account_currency,
    running.change_date as valid_from,
    running.next_change_date as valid_to,
    cast(case when running.unknown_amounts = 0 then running.balance_account end as numeric(28, 8)) as balance_account,
    cast(case when running.unknown_amounts = 0 then running.settled_balance_account end as numeric(28, 8))
        as settled_balance_account,
    cast(running.in_transit_account as numeric(28, 8)) as in_transit_account,
    {{ quality('running.unknown_amounts > 0', 'false', 'false') }} as quality,
    'cash-1' as method_version
from running
inner join {{ ref('dim_accounts') }} as accounts
    on running.account_id = accounts.account_id
