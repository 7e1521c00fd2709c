{{
    config(
        materialized='table',
        tags=['ledger'],
        indexes=[{'columns': ['account_id', 'instrument_id', 'trade_date']}],
        post_hook='analyze {{ this }}'
    )
}}

with booked as (
    select
        transaction_id,
        account_id,
        instrument_id,
        lot_method,
        kind,
        trade_date,
        occurred_at,
        source_line,
        pair_key,
        ledger_effect,
        units,
        amount_account,
        fee_account,
        tax_account
    from {{ ref('int_transactions_converted') }}
    where status = 'settled' and ledger_effect <> 'none' and instrument_id is not null and units > 0
),

first_trades as (
    select
        account_id,
        instrument_id,
        lot_method,
        min(trade_date) as first_trade_date
    from booked
    group by account_id, instrument_id, lot_method
),

published_splits as (
    select
        cast(md5(concat_ws('|', first_trades.account_id, splits.instrument_id, splits.execution_date)) as uuid)
            as transaction_id,
        first_trades.account_id,
        splits.instrument_id,
        first_trades.lot_method,
        splits.execution_date as trade_date,
        splits.ratio
    from {{ ref('int_splits_resolved') }} as splits
    inner join first_trades
        on splits.instrument_id = first_trades.instrument_id and splits.execution_date > first_trades.first_trade_date
    where
        not exists (
            select 1
            from booked
            where
                booked.account_id = first_trades.account_id
                and booked.instrument_id = splits.instrument_id
                and booked.trade_date = splits.execution_date
                and booked.kind = 'split'
        )
),

events as (
    select
        transaction_id,
        account_id,
        instrument_id,
        lot_method,
        kind,
        trade_date,
        occurred_at,
        source_line,
        pair_key,
        case ledger_effect when 'split' then 0 when 'opening' then 1 else 2 end as phase,
        case when kind = 'split' then 0 else units end as units,
        case when kind = 'split' then units end as ratio,
        case
            when ledger_effect <> 'opening' or kind = 'bonus' then 0
            when kind in ('transfer_in', 'merger_in', 'staking_reward', 'airdrop') then coalesce(amount_account, 0)
            else amount_account
        end as price_cost_account,
        case
            when ledger_effect <> 'opening' or kind = 'bonus' then 0
            when kind in ('transfer_in', 'merger_in', 'staking_reward', 'airdrop') then coalesce(amount_account, 0)
            else amount_account + fee_account + tax_account
        end as tax_cost_account,
        case
            when ledger_effect <> 'closing' then 0
            when kind in ('transfer_out', 'merger_out') then coalesce(amount_account, 0)
            else amount_account - fee_account - tax_account
        end as proceeds_account
    from booked
    union all
    select
        transaction_id,
        account_id,
        instrument_id,
        lot_method,
        'split' as kind,
        trade_date,
        null as occurred_at,
        0 as source_line,
        null as pair_key,
        0 as phase,
        0 as units,
        ratio,
        0 as price_cost_account,
        0 as tax_cost_account,
        0 as proceeds_account
    from published_splits
)

select
    transaction_id,
    account_id,
    instrument_id,
    lot_method,
    kind,
    trade_date,
    cast(
        row_number() over (
            partition by account_id
            order by trade_date, phase, occurred_at, source_line, transaction_id
        ) as integer
    ) as sequence,
    cast(units as numeric(38, 18)) as units,
    cast(ratio as numeric(28, 12)) as ratio,
    cast(price_cost_account as numeric(28, 8)) as price_cost_account,
    cast(tax_cost_account as numeric(28, 8)) as tax_cost_account,
    cast(proceeds_account as numeric(28, 8)) as proceeds_account,
    pair_key
from events
