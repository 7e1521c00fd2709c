-- What the closed parts of lots brought is what the sale was booked with: its cash after fee and tax, and of
-- units that left for other than cash, as in a swap, their value.
with matched as (
    select
        closing_transaction_id,
        sum(proceeds_account) as proceeds_account
    from {{ ref('fct_realised_gains') }}
    group by closing_transaction_id
),

booked as (
    select
        transactions.transaction_id,
        case
            when kinds.cash_sign = 0 then coalesce(transactions.amount_account, 0)
            else transactions.net_cash_account
        end as proceeds_account
    from {{ ref('fct_transactions') }} as transactions
    inner join {{ ref('transaction_kinds') }} as kinds
        on transactions.kind = kinds.kind
)

select
    matched.closing_transaction_id,
    matched.proceeds_account as matched_proceeds_account,
    booked.proceeds_account as booked_proceeds_account
from matched
inner join booked
    on matched.closing_transaction_id = booked.transaction_id
where abs(matched.proceeds_account - booked.proceeds_account) > 0.01
