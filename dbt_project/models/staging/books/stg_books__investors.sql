with investors as (
    {{ now_known(source('books', 'investors'), ['investor_key']) }}
)

select
    investor_ids.surrogate_id as investor_id,
    investors.investor_key as investor_code,
    household_ids.surrogate_id as household_id,
    investors.household_key as household_code,
    tax_unit_ids.surrogate_id as tax_unit_id,
    investors.residency,
    investors.risk_profile
from investors
inner join {{ ref('stg_books__identities') }} as investor_ids
    on investor_ids.identity_kind = 'investor' and investors.investor_key = investor_ids.source_key
inner join {{ ref('stg_books__identities') }} as household_ids
    on household_ids.identity_kind = 'household' and investors.household_key = household_ids.source_key
inner join {{ ref('stg_books__identities') }} as tax_unit_ids
    on tax_unit_ids.identity_kind = 'tax_unit' and investors.tax_unit_key = tax_unit_ids.source_key
