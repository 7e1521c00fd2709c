-- What the closed parts of lots brought is what the sale was booked with, after fee and tax.
with matched as (
    select
        closing_transaction_id,
        sum(proceeds_account) as proceeds_account
    from {{ ref('fct_realised_gains') }}
    group by closing_transaction_id
)

select
    matched.closing_transaction_id,
    matched.proceeds_account,
    transactions.net_cash_account
from matched
inner join {{ ref('fct_transactions') }} as transactions
    on matched.closing_transaction_id = transactions.transaction_id
where abs(matched.proceeds_account - transactions.net_cash_account) > 0.01
