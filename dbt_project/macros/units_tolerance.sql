{% macro units_tolerance() -%}
    {#- Units by which a statement may differ from the ledger: registrars round to three decimals. -#}
    0.001
{%- endmacro %}
