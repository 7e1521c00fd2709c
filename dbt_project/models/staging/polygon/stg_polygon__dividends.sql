with dividends as (
    {{ now_known(source('polygon', 'dividends'), ['ticker', 'ex_dividend_date', 'dividend_type']) }}
)

select
    ticker,
    ex_dividend_date as ex_date,
    dividend_type,
    cash_amount,
    currency,
    observed_at,
    known_basis,
    load_id
from dividends
