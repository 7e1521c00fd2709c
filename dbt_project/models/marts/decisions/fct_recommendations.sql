{{ config(tags=['decisions']) }}

select
    recommendations.recommendation_id,
    recommendations.account_id,
    recommendations.portfolio_id,
    recommendations.night,
    nights.valuation_date,
    recommendations.rank,
    recommendations.action,
    recommendations.headline,
    recommendations.body,
    recommendations.facts,
    recommendations.writer,
    recommendations.model,
    recommendations.prompt_version,
    recommendations.checks,
    'advice-1' as method_version,
    coalesce(portfolio_values.quality, 'incomplete') as quality
from {{ ref('stg_computed__recommendations') }} as recommendations
inner join {{ ref('stg_ops__nights') }} as nights
    on recommendations.night = nights.night
left join {{ ref('fct_portfolio_values_daily') }} as portfolio_values
    on
        recommendations.portfolio_id = portfolio_values.portfolio_id
        and nights.valuation_date = portfolio_values.valuation_date
