-- Every booking known up to the valuation date arrives: joins with accounts, portfolios and kinds lose none.
with known as (
    select count(distinct transactions.transaction_key) as bookings
    from {{ source('books', 'transactions') }} as transactions
    cross join {{ ref('stg_ops__night') }} as night
    where transactions.observed_at <= night.known_at
),

known_late as (
    select count(*) as bookings
    from {{ ref('stg_books__transactions') }} as transactions
    cross join {{ ref('stg_ops__night') }} as night
    where transactions.trade_date > night.valuation_date
),

converted as (
    select count(*) as bookings
    from {{ ref('int_transactions_converted') }}
)

select
    known.bookings as known_bookings,
    known_late.bookings as later_bookings,
    converted.bookings as converted_bookings
from known
cross join known_late
cross join converted
where known.bookings <> known_late.bookings + converted.bookings
