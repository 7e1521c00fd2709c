{% macro first_touched_day(stage) -%}
    {#- First day that a daily table of a stage makes anew; minus infinity where it makes every day. -#}
    {%- set stage_builds = ref('stg_ops__stage_builds') -%}
    {%- if is_incremental() -%}
        coalesce(
            (select builds.first_day from {{ stage_builds }} as builds where builds.stage = '{{ stage }}'),
            cast('-infinity' as date)
        )
    {%- else -%}
        cast('-infinity' as date)
    {%- endif -%}
{%- endmacro %}

{% macro last_valued_day(stage, key, value) -%}
    {%- if is_incremental() -%}
        coalesce(
            (
                select max(built.valuation_date)
                from {{ this }} as built
                where
                    built.{{ key }} = keys.{{ key }}
                    and built.valuation_date < {{ first_touched_day(stage) }}
                    and built.{{ value }} is not null
            ),
            cast('-infinity' as date)
        )
    {%- else -%}
        cast('-infinity' as date)
    {%- endif -%}
{%- endmacro %}

{% macro explained_from(stage, keys, key, value) -%}
    {#- By key the last day before the first touched one that has a value: what changes the value adds up from there. -#}
    select
        keys.{{ key }},
        {{ last_valued_day(stage, key, value) }} as explained_from
    from {{ keys }} as keys
{%- endmacro %}

{% macro get_incremental_touched_days_sql(arguments) -%}
    {#- Rows of which any of the model's `incremental_predicates` holds go, and what the model gives comes. -#}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }} as built
    where
    {%- for predicate in arguments['incremental_predicates'] %}
        {% if not loop.first %}or {% endif %}({{ render(predicate) }})
    {%- endfor %};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arguments['temp_relation'] }}
{%- endmacro %}
