{{ config(tags=['values']) }}

with statements as (
    select
        statements.*,
        accounts.portfolio_id,
        -- Lines that waited for a name come as a load of their own, whose slot begins like that of their file.
        regexp_replace(loads.slot, ' [+][0-9a-f]{12}$', '') as file_slot
    from {{ ref('stg_books__statements') }} as statements
    inner join {{ ref('stg_books__accounts') }} as accounts
        on statements.account_id = accounts.account_id
    inner join {{ ref('stg_ops__loads') }} as loads
        on statements.load_id = loads.load_id
    cross join {{ ref('stg_ops__night') }} as night
    where statements.statement_date <= night.valuation_date
),

held as (
    select
        statements.account_id,
        statements.instrument_id,
        statements.statement_date,
        max(positions.units) as units
    from statements
    inner join {{ ref('fct_positions') }} as positions
        on
            statements.account_id = positions.account_id
            and statements.instrument_id = positions.instrument_id
            and statements.statement_date >= positions.valid_from
            and (positions.valid_to is null or statements.statement_date < positions.valid_to)
    group by statements.account_id, statements.instrument_id, statements.statement_date
),

booked as (
    select
        statements.account_id,
        statements.instrument_id,
        statements.statement_date,
        count(*) filter (where transactions.status = 'settled' and not transactions.is_rejected) as bookings,
        count(*) filter (where transactions.is_rejected) as bookings_refused,
        min(transactions.rejection_reason) as refusal,
        count(*) filter (where transactions.status = 'pending') as bookings_pending
    from statements
    inner join {{ ref('fct_transactions') }} as transactions
        on
            statements.account_id = transactions.account_id
            and statements.instrument_id = transactions.instrument_id
            and statements.statement_date >= transactions.trade_date
    where transactions.units is not null
    group by statements.account_id, statements.instrument_id, statements.statement_date
),

-- Its opening balance is told by itself and not as a rejected line.
rejected as (
    select
        statements.account_id,
        statements.instrument_id,
        statements.statement_date,
        count(distinct rejected_rows.line) as lines_rejected,
        min('line ' || rejected_rows.line || ': ' || rejected_rows.reason) as rejection
    from statements
    inner join {{ ref('stg_ops__loads') }} as loads
        on
            statements.file_slot = loads.slot
            and loads.source_name = 'books'
            and loads.dataset = 'transactions'
            and loads.status = 'loaded'
    inner join {{ ref('stg_ops__rejected_rows') }} as rejected_rows
        on
            loads.load_id = rejected_rows.load_id
            and rejected_rows.line between statements.first_line and statements.last_line
    where rejected_rows.reason not like 'column open:%'
    group by statements.account_id, statements.instrument_id, statements.statement_date
)

select
    statements.account_id,
    statements.portfolio_id,
    statements.instrument_id,
    statements.statement_date,
    statements.units as stated_units,
    statements.opening_units,
    statements.own_units,
    statements.gap_date,
    booked.refusal,
    rejected.rejection,
    statements.load_id,
    statements.source_line,
    coalesce(held.units, 0) as ledger_units,
    coalesce(booked.bookings, 0) as bookings,
    coalesce(booked.bookings_refused, 0) as bookings_refused,
    coalesce(booked.bookings_pending, 0) as bookings_pending,
    coalesce(rejected.lines_rejected, 0) as lines_rejected
from statements
left join held
    on
        statements.account_id = held.account_id
        and statements.instrument_id = held.instrument_id
        and statements.statement_date = held.statement_date
left join booked
    on
        statements.account_id = booked.account_id
        and statements.instrument_id = booked.instrument_id
        and statements.statement_date = booked.statement_date
left join rejected
    on
        statements.account_id = rejected.account_id
        and statements.instrument_id = rejected.instrument_id
        and statements.statement_date = rejected.statement_date
