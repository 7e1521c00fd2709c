{{ config(tags=['ledger']) }}

select
    instrument_id,
    coupon_rate,
    coupons_per_year,
    day_count,
    issued_on,
    matures_on,
    face_value
from {{ ref('stg_books__bond_terms') }}
