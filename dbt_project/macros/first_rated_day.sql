{% macro first_rated_day() -%}
    {#- First day of exchange rates: that of the first booking or of the risk measures' history. -#}
    least(
        (select min(transactions.trade_date) from {{ ref('stg_books__transactions') }} as transactions),
        {{ risk_window_start('(select tonight.valuation_date from ' ~ ref('stg_ops__night') ~ ' as tonight)') }}
    )
{%- endmacro %}
