{% macro now_known(relation, key) -%}
    {#- Of each key the version known as of the night: the last one observed up to its known_at. -#}
    select distinct on ({{ key | join(', ') }}) *
    from {{ relation }}
    where observed_at <= (select night.known_at from {{ source('ops', 'night') }} as night)
    order by {{ key | join(', ') }}, observed_at desc, load_id desc
{%- endmacro %}
