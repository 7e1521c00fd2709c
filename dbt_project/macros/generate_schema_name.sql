{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Everything dbt makes is private and lives in one schema; publishing writes what readers see. -#}
    {{ target.schema }}
{%- endmacro %}
