{% macro reporting_currency() -%}
    {#- ISO 4217 code of the currency of figures across portfolios. -#}
    '{{ env_var("FOLIO_DBT_REPORTING_CURRENCY", "EUR") }}'
{%- endmacro %}
