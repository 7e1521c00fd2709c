{{ config(tags=['ledger']) }}

with actions as (
    select
        instrument_id,
        case when ratio < 1 then 'reverse_split' else action_kind end as action_kind,
        ex_date,
        action_source,
        cast(null as text) as currency,
        ratio,
        cast(null as numeric) as cash_per_unit_local,
        cast(null as numeric) as cost_share,
        cast(null as uuid) as successor_id,
        is_used,
        observed_at,
        known_basis,
        load_id
    from {{ ref('int_unit_changes_stated') }}
    union all
    select
        instrument_id,
        'dividend' as action_kind,
        ex_date,
        action_source,
        currency,
        null as ratio,
        cash_per_unit_local,
        null as cost_share,
        null as successor_id,
        is_used,
        observed_at,
        known_basis,
        load_id
    from {{ ref('int_dividends_stated') }}
    union all
    select
        instrument_id,
        action_kind,
        effective_date as ex_date,
        'books' as action_source,
        null as currency,
        ratio,
        cash_per_unit_local,
        cost_share,
        successor_id,
        true as is_used,
        observed_at,
        known_basis,
        load_id
    from {{ ref('stg_books__instrument_successors') }}
)

select
    actions.instrument_id,
    actions.action_kind,
    actions.ex_date,
    actions.action_source,
    cast(actions.ratio as numeric(28, 12)) as ratio,
    cast(actions.cash_per_unit_local as numeric(28, 12)) as cash_per_unit_local,
    cast(actions.cost_share as numeric(20, 12)) as cost_share,
    actions.successor_id,
    actions.is_used,
    actions.observed_at,
    actions.known_basis,
    actions.load_id,
    'actions-1' as method_version,
    coalesce(actions.currency, instruments.local_currency) as local_currency,
    case when actions.known_basis = 'observed' then 'ok' else 'estimated' end as quality
from actions
inner join {{ ref('int_instruments_listed') }} as instruments
    on actions.instrument_id = instruments.instrument_id
