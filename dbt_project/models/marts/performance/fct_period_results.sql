{{ config(tags=['measures']) }}

with rates as (
    select * from {{ ref('stg_computed__period_rates') }}
),

-- A period counts the days after its start. All days between two starts are added up once.
starts as (
    select
        portfolio_id,
        end_date,
        array_agg(distinct start_date order by start_date) as start_dates
    from rates
    group by portfolio_id, end_date
),

stretches as (
    select
        starts.portfolio_id,
        starts.end_date,
        width_bucket(days.valuation_date - 1, starts.start_dates) as starts_before,
        sum(days.gains_portfolio) as gains_portfolio,
        sum(days.income_portfolio) as income_portfolio,
        sum(days.fees_portfolio) as fees_portfolio,
        sum(days.taxes_portfolio) as taxes_portfolio,
        sum(days.currency_effect_portfolio) as currency_effect_portfolio,
        sum(days.net_flow_portfolio) as net_flow_portfolio
    from starts
    inner join {{ ref('int_portfolio_values_daily') }} as days
        on starts.portfolio_id = days.portfolio_id and starts.end_date >= days.valuation_date
    group by
        starts.portfolio_id, starts.end_date, width_bucket(days.valuation_date - 1, starts.start_dates)
),

summed as (
    select
        rates.portfolio_id,
        rates.period,
        sum(stretches.gains_portfolio) as gains_portfolio,
        sum(stretches.income_portfolio) as income_portfolio,
        sum(stretches.fees_portfolio) as fees_portfolio,
        sum(stretches.taxes_portfolio) as taxes_portfolio,
        sum(stretches.currency_effect_portfolio) as currency_effect_portfolio,
        sum(stretches.net_flow_portfolio) as net_flow_portfolio
    from rates
    inner join starts
        on rates.portfolio_id = starts.portfolio_id and rates.end_date = starts.end_date
    inner join stretches
        on
            rates.portfolio_id = stretches.portfolio_id
            and rates.end_date = stretches.end_date
            and array_position(starts.start_dates, rates.start_date) <= stretches.starts_before
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
    inner join {{ ref('int_portfolio_values_daily') }} as last_days
        on rates.portfolio_id = last_days.portfolio_id and rates.end_date = last_days.valuation_date
    left join {{ ref('int_portfolio_values_daily') }} as first_days
        on rates.portfolio_id = first_days.portfolio_id and rates.start_date = first_days.valuation_date
),

judged as (
    select
        bounded.*,
        summed.gains_portfolio,
        summed.income_portfolio,
        summed.fees_portfolio,
        summed.taxes_portfolio,
        summed.currency_effect_portfolio,
        summed.net_flow_portfolio,
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
    portfolio_id,
    period,
    start_date,
    end_date,
    cast(initial_value_portfolio as numeric(28, 8)) as initial_value_portfolio,
    cast(case when is_complete then gains_portfolio end as numeric(28, 8)) as gains_portfolio,
    cast(income_portfolio as numeric(28, 8)) as income_portfolio,
    cast(fees_portfolio as numeric(28, 8)) as fees_portfolio,
    cast(taxes_portfolio as numeric(28, 8)) as taxes_portfolio,
    cast(case when is_complete then currency_effect_portfolio end as numeric(28, 8))
        as currency_effect_portfolio,
    cast(net_flow_portfolio as numeric(28, 8)) as net_flow_portfolio,
    final_value_portfolio,
    twr,
    xirr,
    root_count,
    simple_return,
    modified_dietz,
    linked_modified_dietz,
    mean_investment_portfolio,
    cast(
        case
            when abs(performance_portfolio) < mean_investment_portfolio * 100000000
                then performance_portfolio / mean_investment_portfolio
        end as numeric(20, 12)
    ) as roai,
    portfolio_currency,
    {{
        quality(
            'not is_complete',
            "'estimated' in (initial_quality, final_quality)",
            "'carried' in (initial_quality, final_quality)"
        )
    }} as quality,
    oldest_price_date,
    carried_share,
    'returns-2' as method_version
from judged
