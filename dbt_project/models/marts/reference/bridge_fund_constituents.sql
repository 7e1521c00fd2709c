{{ config(tags=['ledger']) }}

select
    instrument_id,
    valid_from,
    constituent_code,
    constituent_name,
    sector,
    weight,
    cast(
        min(valid_from) over (
            partition by instrument_id order by valid_from
            range between interval '1 day' following and unbounded following
        ) as date
    ) as valid_to
from {{ ref('stg_books__fund_constituents') }}
