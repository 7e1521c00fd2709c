-- Flows, income, fees, taxes and gains since the first day make the value, to the last decimal.
with explained as (
    select
        account_id,
        valuation_date,
        value_account,
        sum(
            deposits_account - withdrawals_account + income_account - fees_account - taxes_account
            + coalesce(gains_account, 0)
        ) over (partition by account_id order by valuation_date) as added_up
    from {{ ref('fct_account_values_daily') }}
)

select *
from explained
where value_account <> added_up
