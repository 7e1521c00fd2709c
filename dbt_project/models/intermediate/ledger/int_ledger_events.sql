{{
    config(
        materialized='table',
        tags=['ledger'],
        indexes=[{'columns': ['account_id', 'instrument_id', 'trade_date']}],
        post_hook='analyze {{ this }}'
    )
}}

-- Units of a spin-off or side pocket take a share of the cost of what they came out of, as a book has published it.
with carvings as (
    select distinct on (transactions.transaction_id)
        transactions.transaction_id,
        successors.instrument_id as parent_id,
        successors.effective_date,
        successors.cost_share
    from {{ ref('int_transactions_converted') }} as transactions
    inner join {{ ref('stg_books__instrument_successors') }} as successors
        on
            transactions.kind = successors.action_kind
            and transactions.instrument_id = successors.successor_id
            and successors.effective_date
            between transactions.trade_date - {{ bonus_allotment_days() }} and transactions.trade_date + {{ same_event_days() }}
    where transactions.kind in ('spin_off', 'segregation')
    order by transactions.transaction_id asc, successors.effective_date desc, successors.instrument_id asc
),

-- Such units and those of a bonus are credited some days after the price has fallen: they count from that day on.
booked as (
    select
        transactions.transaction_id,
        transactions.account_id,
        transactions.instrument_id,
        transactions.lot_method,
        transactions.kind,
        transactions.occurred_at,
        transactions.source_line,
        transactions.pair_key,
        transactions.external_id,
        transactions.named_lot,
        transactions.ledger_effect,
        transactions.units,
        transactions.amount_account,
        transactions.fee_account,
        transactions.tax_account,
        case
            when transactions.kind = 'bonus'
                then coalesce(
                    (
                        select max(splits.execution_date)
                        from {{ ref('int_splits_resolved') }} as splits
                        where
                            splits.instrument_id = transactions.instrument_id
                            and splits.execution_date
                            between transactions.trade_date - {{ bonus_allotment_days() }}
                            and transactions.trade_date + {{ same_event_days() }}
                    ),
                    transactions.trade_date
                )
            else least(carvings.effective_date, transactions.trade_date)
        end as trade_date,
        carvings.parent_id,
        carvings.cost_share
    from {{ ref('int_transactions_converted') }} as transactions
    left join carvings
        on transactions.transaction_id = carvings.transaction_id
    where
        transactions.status = 'settled'
        and transactions.ledger_effect <> 'none'
        and transactions.instrument_id is not null
        and (transactions.units > 0 or transactions.ledger_effect = 'lowering')
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

-- A split that a book has as well is one split, on the market's day; a booked bonus is the units themselves.
published_splits as (
    select
        coalesce(
            (
                select booked.transaction_id
                from booked
                where
                    booked.kind = 'split'
                    and booked.account_id = first_trades.account_id
                    and booked.instrument_id = splits.instrument_id
                    and booked.trade_date
                    between splits.execution_date - {{ same_event_days() }} and splits.execution_date + {{ same_event_days() }}
                order by booked.transaction_id
                limit 1
            ),
            cast(md5(concat_ws('|', first_trades.account_id, splits.instrument_id, splits.execution_date)) as uuid)
        ) as transaction_id,
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
                booked.kind = 'bonus'
                and booked.account_id = first_trades.account_id
                and booked.instrument_id = splits.instrument_id
                and booked.trade_date = splits.execution_date
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
        case when kind in ('spin_off', 'segregation') then cast(transaction_id as text) else pair_key end as pair_key,
        external_id,
        named_lot,
        cost_share,
        case ledger_effect when 'split' then 0 when 'opening' then 1 when 'lowering' then 2 else 3 end as phase,
        case when kind = 'split' then 0 else coalesce(units, 0) end as units,
        case when kind = 'split' then units end as ratio,
        case
            when ledger_effect <> 'opening' or kind in ('bonus', 'spin_off', 'segregation') then 0
            when kind in ('transfer_in', 'merger_in', 'swap_in', 'staking_reward', 'airdrop') then coalesce(amount_account, 0)
            else amount_account
        end as price_cost_account,
        case
            when ledger_effect <> 'opening' or kind in ('bonus', 'spin_off', 'segregation') then 0
            when kind in ('transfer_in', 'merger_in', 'swap_in', 'staking_reward', 'airdrop') then coalesce(amount_account, 0)
            else amount_account + fee_account + tax_account
        end as tax_cost_account,
        case
            when ledger_effect not in ('closing', 'lowering') then 0
            when kind in ('transfer_out', 'merger_out', 'swap_out', 'network_fee') then coalesce(amount_account, 0)
            else amount_account - fee_account - tax_account
        end as proceeds_account
    from booked
    where
        -- Also where nothing was held yet on the market's day: what was bought after it is split already.
        not exists (
            select 1
            from {{ ref('int_splits_resolved') }} as splits
            where
                booked.kind = 'split'
                and splits.instrument_id = booked.instrument_id
                and booked.trade_date
                between splits.execution_date - {{ same_event_days() }} and splits.execution_date + {{ same_event_days() }}
        )
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
        null as external_id,
        null as named_lot,
        null as cost_share,
        0 as phase,
        0 as units,
        ratio,
        0 as price_cost_account,
        0 as tax_cost_account,
        0 as proceeds_account
    from published_splits
    union all
    -- What the units came out of loses that cost before it is bought or sold on the day.
    select
        transaction_id,
        account_id,
        parent_id as instrument_id,
        lot_method,
        'carve_out' as kind,
        trade_date,
        occurred_at,
        source_line,
        cast(transaction_id as text) as pair_key,
        null as external_id,
        null as named_lot,
        cost_share,
        0 as phase,
        0 as units,
        null as ratio,
        0 as price_cost_account,
        0 as tax_cost_account,
        0 as proceeds_account
    from booked
    where parent_id is not null
)

select
    events.transaction_id,
    events.account_id,
    events.instrument_id,
    events.lot_method,
    events.kind,
    events.trade_date,
    cast(
        row_number() over (
            partition by events.account_id
            order by events.trade_date, events.phase, events.occurred_at, events.source_line, events.transaction_id
        ) as integer
    ) as sequence,
    cast(events.units as numeric(38, 18)) as units,
    cast(events.ratio as numeric(28, 12)) as ratio,
    cast(events.price_cost_account as numeric(28, 8)) as price_cost_account,
    cast(events.tax_cost_account as numeric(28, 8)) as tax_cost_account,
    cast(events.proceeds_account as numeric(28, 8)) as proceeds_account,
    events.pair_key,
    events.external_id,
    events.named_lot,
    cast(events.cost_share as numeric(20, 12)) as cost_share,
    accounts.account_currency,
    rates.rate as fx_account_to_reporting
from events
inner join {{ ref('stg_books__accounts') }} as accounts
    on events.account_id = accounts.account_id
left join {{ ref('fct_fx_rates_daily') }} as rates
    on
        accounts.account_currency = rates.from_currency
        and rates.to_currency = {{ reporting_currency() }}
        and events.trade_date = rates.valuation_date
