{{ config(tags=['values']) }}

with compared as (
    select
        *,
        ledger_units - stated_units as difference,
        abs(ledger_units - stated_units) <= {{ units_tolerance() }} as is_tied,
        coalesce(opening_units, 0) > {{ units_tolerance() }} as is_opened,
        lines_rejected + bookings_refused + bookings_pending > 0 as is_partly_booked
    from {{ ref('int_statements_compared') }}
),

-- Every cause that can be told, most of what is missing first.
explained as (
    select
        *,
        concat_ws(
            '; ',
            case
                when is_opened and abs(difference + opening_units) <= {{ units_tolerance() }}
                    then 'the ' || trim_scale(opening_units) || ' units with which it opens were bought before it and are not booked'
                when is_opened
                    then 'it opens with ' || trim_scale(opening_units) || ' units that were bought before it'
            end,
            case
                when gap_date is not null
                    then
                        'its own transactions make ' || trim_scale(own_units) || ' units: it does not list all, first by '
                        || gap_date
            end,
            case
                when lines_rejected > 0 then lines_rejected || ' of its lines rejected, such as ' || rejection
            end,
            case
                when bookings_refused > 0 then bookings_refused || ' bookings refused, such as: ' || refusal
            end,
            case
                when bookings_pending > 0 then bookings_pending || ' bookings pending'
            end,
            case
                when
                    bookings > 0 and not is_opened and not is_partly_booked
                    and abs(ledger_units - own_units) > {{ units_tolerance() }}
                    then
                        'bookings that it does not list move ' || trim_scale(ledger_units - own_units) || ' units'
            end
        ) as causes
    from compared
)

select
    account_id,
    portfolio_id,
    instrument_id,
    statement_date,
    opening_units,
    own_units,
    gap_date,
    load_id,
    source_line,
    'ok' as quality,
    'statements-1' as method_version,
    cast(stated_units as numeric(38, 18)) as stated_units,
    cast(ledger_units as numeric(38, 18)) as ledger_units,
    cast(difference as numeric(38, 18)) as units_difference,
    case
        when is_tied then 'ties'
        when bookings = 0 then 'no ledger'
        else 'differs'
    end as status,
    case
        when is_tied then null
        when causes <> '' then causes
        when bookings = 0 then 'no booking moves the instrument in this account up to that day'
        else 'no cause is known: a booking is missing or wrong'
    end as reason
from explained
