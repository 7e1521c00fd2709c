with bond_terms as (
    {{ now_known(source('books', 'bond_terms'), ['instrument_key']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    bond_terms.coupon_rate,
    bond_terms.coupons_per_year,
    bond_terms.day_count,
    bond_terms.issued_on,
    bond_terms.matures_on,
    bond_terms.face_value
from bond_terms
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and bond_terms.instrument_key = instrument_ids.source_key
