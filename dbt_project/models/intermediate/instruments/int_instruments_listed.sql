{{ config(materialized='table', tags=['ledger']) }}

with booked as (
    select
        instrument_id,
        instrument_code,
        instrument_name,
        instrument_kind,
        local_currency,
        asset_class,
        sector,
        region,
        whole_units
    from {{ ref('stg_books__instruments') }}
),

cash_identities as (
    select
        surrogate_id as instrument_id,
        source_key,
        substring(source_key from 6) as currency
    from {{ ref('stg_books__identities') }}
    where identity_kind = 'instrument' and source_key like 'cash:%'
),

cash as (
    select
        cash_identities.instrument_id,
        cash_identities.source_key as instrument_code,
        'Cash ' || cash_identities.currency as instrument_name,
        'cash' as instrument_kind,
        cash_identities.currency as local_currency,
        'cash' as asset_class,
        'cash' as sector,
        'cash' as region,
        false as whole_units
    from cash_identities
    inner join {{ ref('int_currencies_used') }} as currencies
        on cash_identities.currency = currencies.currency
    where not exists (
        select 1 from booked
        where booked.instrument_id = cash_identities.instrument_id
    )
)

select * from booked
union all
select * from cash
