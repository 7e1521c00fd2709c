{{ config(tags=['measures']) }}

with rates as (
    select * from {{ ref('stg_computed__period_rates') }}
),

days as (
    select * from {{ ref('int_portfolio_values_daily') }}
),

summed as (
    select
        rates.portfolio_id,
        rates.period,
        sum(days.gains_portfolio) as gains_portfolio,
        sum(days.income_portfolio) as income_portfolio,
        sum(days.fees_portfolio) as fees_portfolio,
        sum(days.taxes_portfolio) as taxes_portfolio,
        sum(days.currency_effect_portfolio) as currency_effect_portfolio,
        sum(days.net_flow_portfolio) as net_flow_portfolio
    from rates
    inner join days
        on
            rates.portfolio_id = days.portfolio_id
            and rates.start_date < days.valuation_date
            and rates.end_date >= days.valuation_date
    group by rates.portfolio_id, rates.period
),

-- A period that begins before the first day begins with nothing; one that begins on a day without a value is unknown.
bounded as (
    select
        rates.*,
        last_days.value_portfolio as final_value_portfolio,
        last_days.portfolio_currency,
        last_days.quality as final_quality,
        last_days.oldest_price_date,
        last_days.carried_share,
        case when first_days.portfolio_id is null then 0 else first_days.value_portfolio end as initial_value_portfolio,
        coalesce(first_days.quality, 'ok') as initial_quality
    from rates
    inner join days as last_days
        on rates.portfolio_id = last_days.portfolio_id and rates.end_date = last_days.valuation_date
    left join days as first_days
        on rates.portfolio_id = first_days.portfolio_id and rates.start_date = first_days.valuation_date
),

judged as (
    select
        bounded.*,
        bounded.initial_value_portfolio is not null and bounded.final_value_portfolio is not null as is_complete,
        case
            when bounded.initial_value_portfolio is not null and bounded.final_value_portfolio is not null
                then
                    summed.gains_portfolio + summed.currency_effect_portfolio
                    + summed.income_portfolio - summed.fees_portfolio
        end as performance_portfolio
    from bounded
    inner join summed
        on bounded.portfolio_id = summed.portfolio_id and bounded.period = summed.period
)

select
    judged.portfolio_id,
    judged.period,
    judged.start_date,
    judged.end_date,
    cast(judged.initial_value_portfolio as numeric(28, 8)) as initial_value_portfolio,
    cast(case when judged.is_complete then summed.gains_portfolio end as numeric(28, 8)) as gains_portfolio,
    cast(summed.income_portfolio as numeric(28, 8)) as income_portfolio,
    cast(summed.fees_portfolio as numeric(28, 8)) as fees_portfolio,
    cast(summed.taxes_portfolio as numeric(28, 8)) as taxes_portfolio,
    cast(case when judged.is_complete then summed.currency_effect_portfolio end as numeric(28, 8))
        as currency_effect_portfolio,
    cast(summed.net_flow_portfolio as numeric(28, 8)) as net_flow_portfolio,
    judged.final_value_portfolio,
    judged.twr,
    judged.xirr,
    judged.root_count,
    judged.simple_return,
    judged.modified_dietz,
    judged.linked_modified_dietz,
    judged.mean_investment_portfolio,
    cast(
        case
            when abs(judged.performance_portfolio) < judged.mean_investment_portfolio * 100000000
                then judged.performance_portfolio / judged.mean_investment_portfolio
        end as numeric(20, 12)
    ) as roai,
    judged.portfolio_currency,
    {{
        quality(
            'not judged.is_complete',
            "'estimated' in (judged.initial_quality, judged.final_quality)",
            "'carried' in (judged.initial_quality, judged.final_quality)"
        )
    }} as quality,
    judged.oldest_price_date,
    judged.carried_share,
    'returns-2' as method_version
from judged
inner join summed
    on judged.portfolio_id = summed.portfolio_id and judged.period = summed.period
