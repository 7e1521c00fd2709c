{{ config(materialized='table', tags=['measures']) }}

-- Made once allocations are. depends_on: {{ ref('fct_allocations') }}
select
    instrument_id,
    instrument_code,
    asset_class,
    sector,
    region
from {{ ref('dim_instruments') }}
