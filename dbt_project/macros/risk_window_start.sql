{% macro risk_window_start(valuation_date) -%}
    {#- First day of the history that risk measures look at: three years and the carry limit before it. -#}
    (({{ valuation_date }}) - 1105)
{%- endmacro %}
