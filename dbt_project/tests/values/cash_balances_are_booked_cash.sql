-- Balances by running sums, against one plain sum of what was booked.
with booked as (
    select
        transactions.account_id,
        sum(transactions.net_cash_account) as balance_account
    from {{ ref('fct_transactions') }} as transactions
    inner join {{ ref('dim_accounts') }} as accounts
        on transactions.account_id = accounts.account_id
    where
        accounts.cash_model = 'kept'
        and transactions.status = 'settled'
        and not transactions.is_rejected
    group by transactions.account_id
)

select
    booked.account_id,
    booked.balance_account as booked_account,
    balances.balance_account
from booked
inner join {{ ref('fct_cash_balances') }} as balances
    on booked.account_id = balances.account_id
where
    balances.valid_to is null
    and balances.balance_account is not null
    and booked.balance_account <> balances.balance_account
