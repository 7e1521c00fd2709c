{% macro until_next_set(thing) -%}
    {#- First day of the next set of rows of `thing` after that of a row; null where it is the last. -#}
    cast(
        min(valid_from) over (
            partition by {{ thing }} order by valid_from
            range between interval '1 day' following and unbounded following
        ) as date
    )
{%- endmacro %}
