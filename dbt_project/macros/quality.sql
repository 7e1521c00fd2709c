{% macro quality(incomplete, estimated, carried) -%}
    {#- Worst first: a part is missing, estimated, or older than its day. -#}
    case
        when {{ incomplete }} then 'incomplete'
        when {{ estimated }} then 'estimated'
        when {{ carried }} then 'carried'
        else 'ok'
    end
{%- endmacro %}
