{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=[
            "valuation_date >= {{ first_touched_day('measures') }} or {{ are_buckets_moved() }}",
            "valuation_date not in (select days.valuation_date from {{ ref('int_holding_days') }} as days)"
        ],
        on_schema_change='fail',
        tags=['measures'],
        pre_hook='{{ work_memory() }}'
    )
}}

{%- set first_day = first_touched_day('measures') %}
{%- set is_whole = are_buckets_moved() %}

with days as (
    select valuation_date from {{ ref('int_holding_days') }}
    {% if is_incremental() -%}
        where
            valuation_date >= {{ first_day }}
            or valuation_date not in (select built.valuation_date from {{ this }} as built)
            or {{ is_whole }}
    {%- endif %}
),

holdings as (
    select
        holdings.portfolio_id,
        holdings.valuation_date,
        holdings.instrument_id,
        holdings.local_currency,
        case when count(*) = count(holdings.value_portfolio) then sum(holdings.value_portfolio) end as value_portfolio,
        bool_or(holdings.quality = 'incomplete') as is_incomplete,
        bool_or(holdings.quality = 'estimated') as is_estimated,
        bool_or(holdings.quality = 'carried') as is_carried,
        min(holdings.oldest_price_date) as oldest_price_date,
        sum(holdings.value_portfolio * holdings.carried_share) as carried_value_portfolio
    from {{ ref('fct_holdings') }} as holdings
    inner join days
        on holdings.valuation_date = days.valuation_date
    group by holdings.portfolio_id, holdings.valuation_date, holdings.instrument_id, holdings.local_currency
),

totals as (
    select
        portfolio_id,
        valuation_date,
        case when count(*) = count(value_portfolio) then sum(value_portfolio) end as total_portfolio
    from holdings
    group by portfolio_id, valuation_date
),

-- Holdings and targets side by side, so that each bucket is added up once.
parts as (
    select
        holdings.portfolio_id,
        holdings.valuation_date,
        buckets.dimension,
        buckets.bucket,
        1 as holdings_in_it,
        holdings.value_portfolio,
        holdings.is_incomplete,
        holdings.is_estimated,
        holdings.is_carried,
        holdings.oldest_price_date,
        holdings.carried_value_portfolio,
        null as target_weight
    from holdings
    inner join {{ ref('dim_instruments') }} as instruments
        on holdings.instrument_id = instruments.instrument_id
    cross join
        lateral (
            values
            ('asset_class', instruments.asset_class),
            ('sector', instruments.sector),
            ('region', instruments.region),
            ('currency', holdings.local_currency),
            ('instrument', instruments.instrument_code)
        ) as buckets (dimension, bucket)
    union all
    select
        totals.portfolio_id,
        totals.valuation_date,
        buckets.dimension,
        buckets.bucket,
        0 as holdings_in_it,
        null as value_portfolio,
        false as is_incomplete,
        false as is_estimated,
        false as is_carried,
        null as oldest_price_date,
        null as carried_value_portfolio,
        targets.target_weight
    from totals
    inner join {{ ref('int_targets_dated') }} as targets
        on
            totals.portfolio_id = targets.portfolio_id
            and totals.valuation_date >= targets.valid_from
            and (targets.valid_to is null or totals.valuation_date < targets.valid_to)
    inner join {{ ref('dim_instruments') }} as instruments
        on targets.instrument_id = instruments.instrument_id
    cross join
        lateral (
            values
            ('asset_class', instruments.asset_class),
            ('instrument', instruments.instrument_code)
        ) as buckets (dimension, bucket)
    where targets.target_weight > 0
),

added_up as (
    select
        portfolio_id,
        valuation_date,
        dimension,
        bucket,
        case
            when sum(holdings_in_it) = 0 then 0
            when sum(holdings_in_it) = count(value_portfolio) then sum(value_portfolio)
        end as value_portfolio,
        bool_or(is_incomplete) as is_incomplete,
        bool_or(is_estimated) as is_estimated,
        bool_or(is_carried) as is_carried,
        min(oldest_price_date) as oldest_price_date,
        sum(carried_value_portfolio) as carried_value_portfolio,
        sum(target_weight) as target_weight
    from parts
    group by portfolio_id, valuation_date, dimension, bucket
),

-- Where a portfolio has targets in a dimension, what is held without one has the target 0.
weighed as (
    select
        added_up.*,
        portfolios.portfolio_currency,
        cast(added_up.value_portfolio / nullif(totals.total_portfolio, 0) as numeric(20, 12)) as weight,
        cast(
            case
                when
                    count(added_up.target_weight) over (
                        partition by added_up.portfolio_id, added_up.valuation_date, added_up.dimension
                    ) > 0
                    then coalesce(added_up.target_weight, 0)
            end as numeric(20, 12)
        ) as target_weight_wanted
    from added_up
    inner join totals
        on added_up.portfolio_id = totals.portfolio_id and added_up.valuation_date = totals.valuation_date
    inner join {{ ref('dim_portfolios') }} as portfolios
        on added_up.portfolio_id = portfolios.portfolio_id
)

select
    portfolio_id,
    valuation_date,
    dimension,
    bucket,
    cast(value_portfolio as numeric(28, 8)) as value_portfolio,
    weight,
    target_weight_wanted as target_weight,
    cast(weight - target_weight_wanted as numeric(20, 12)) as drift,
    portfolio_currency,
    {{ quality('is_incomplete', 'is_estimated', 'is_carried') }} as quality,
    oldest_price_date,
    cast(
        case
            when value_portfolio is not null
                then least(greatest(carried_value_portfolio / nullif(value_portfolio, 0), 0), 1)
        end as numeric(20, 12)
    ) as carried_share,
    'allocations-1' as method_version
from weighed
order by portfolio_id, valuation_date, dimension, bucket
