{% macro yahoo_units_since(symbol, day, fetched_at) -%}
    {#- Units at the fetch for one of a day: by this Yahoo had divided what it says of the day. A split of the
        very day of the fetch was applied where the payload names it. -#}
    coalesce(
        (
            select ops.product(splits.ratio)
            from {{ ref('stg_yahoo__splits_applied') }} as splits
            where
                splits.symbol = {{ symbol }}
                and splits.execution_date > {{ day }}
                and (
                    splits.execution_date < cast({{ fetched_at }} at time zone 'UTC' as date)
                    or (
                        splits.execution_date = cast({{ fetched_at }} at time zone 'UTC' as date)
                        and splits.named_at <= {{ fetched_at }}
                    )
                )
        ),
        1
    )
{%- endmacro %}
