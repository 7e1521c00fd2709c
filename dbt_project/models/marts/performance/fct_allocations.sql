{{ config(tags=['measures'], pre_hook='{{ work_memory() }}') }}

with holdings as (
    select
        holdings.portfolio_id,
        holdings.valuation_date,
        holdings.value_portfolio,
        holdings.portfolio_currency,
        holdings.quality,
        holdings.oldest_price_date,
        holdings.carried_share,
        buckets.dimension,
        buckets.bucket
    from {{ ref('fct_holdings') }} as holdings
    inner join {{ ref('dim_instruments') }} as instruments
        on holdings.instrument_id = instruments.instrument_id
    cross join lateral (
        values
        ('asset_class', instruments.asset_class),
        ('sector', instruments.sector),
        ('region', instruments.region),
        ('currency', holdings.local_currency),
        ('instrument', instruments.instrument_code)
    ) as buckets (dimension, bucket)
),

held as (
    select
        portfolio_id,
        valuation_date,
        dimension,
        bucket,
        case when count(*) = count(value_portfolio) then sum(value_portfolio) end as value_portfolio,
        bool_or(quality = 'incomplete') as is_incomplete,
        bool_or(quality = 'estimated') as is_estimated,
        bool_or(quality = 'carried') as is_carried,
        min(oldest_price_date) as oldest_price_date,
        sum(value_portfolio * carried_share) as carried_value_portfolio
    from holdings
    group by portfolio_id, valuation_date, dimension, bucket
),

totals as (
    select
        holdings.portfolio_id,
        holdings.valuation_date,
        case when count(*) = count(holdings.value_portfolio) then sum(holdings.value_portfolio) end as total_portfolio
    from {{ ref('fct_holdings') }} as holdings
    group by holdings.portfolio_id, holdings.valuation_date
),

targets as (
    select
        totals.portfolio_id,
        totals.valuation_date,
        buckets.dimension,
        buckets.bucket,
        sum(targets.target_weight) as target_weight
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
    group by totals.portfolio_id, totals.valuation_date, buckets.dimension, buckets.bucket
),

-- Where a portfolio has targets in a dimension, what is held without one has the target 0.
targeted as (
    select distinct
        portfolio_id,
        valuation_date,
        dimension
    from targets
),

joined as (
    select
        targets.target_weight,
        held.oldest_price_date,
        held.carried_value_portfolio,
        coalesce(held.portfolio_id, targets.portfolio_id) as portfolio_id,
        coalesce(held.valuation_date, targets.valuation_date) as valuation_date,
        coalesce(held.dimension, targets.dimension) as dimension,
        coalesce(held.bucket, targets.bucket) as bucket,
        case when held.portfolio_id is null then 0 else held.value_portfolio end as value_portfolio,
        coalesce(held.is_incomplete, false) as is_incomplete,
        coalesce(held.is_estimated, false) as is_estimated,
        coalesce(held.is_carried, false) as is_carried
    from held
    full outer join targets
        on
            held.portfolio_id = targets.portfolio_id
            and held.valuation_date = targets.valuation_date
            and held.dimension = targets.dimension
            and held.bucket = targets.bucket
),

weighed as (
    select
        joined.*,
        portfolios.portfolio_currency,
        cast(joined.value_portfolio / nullif(totals.total_portfolio, 0) as numeric(20, 12)) as weight,
        cast(
            case when targeted.portfolio_id is not null then coalesce(joined.target_weight, 0) end as numeric(20, 12)
        ) as target_weight_wanted
    from joined
    inner join totals
        on joined.portfolio_id = totals.portfolio_id and joined.valuation_date = totals.valuation_date
    inner join {{ ref('dim_portfolios') }} as portfolios
        on joined.portfolio_id = portfolios.portfolio_id
    left join targeted
        on
            joined.portfolio_id = targeted.portfolio_id
            and joined.valuation_date = targeted.valuation_date
            and joined.dimension = targeted.dimension
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
