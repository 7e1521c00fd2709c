{{ config(tags=['ledger']) }}

select
    instruments.instrument_id,
    schemes.scheme_code,
    schemes.scheme_name,
    schemes.isin_payout_or_growth,
    schemes.isin_reinvestment,
    schemes.plan,
    schemes.option,
    schemes.category,
    schemes.fund_house
from {{ ref('dim_instruments') }} as instruments
inner join {{ ref('stg_amfi__schemes') }} as schemes
    on instruments.amfi_code = cast(schemes.scheme_code as text)
