with schemes as (
    {{ now_known(source('amfi', 'schemes'), ['scheme_code']) }}
)

select
    scheme_code,
    scheme_name,
    isin_payout_or_growth,
    isin_reinvestment,
    plan,
    option,
    category,
    fund_house
from schemes
