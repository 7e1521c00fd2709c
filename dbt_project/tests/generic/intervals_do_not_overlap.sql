{% test intervals_do_not_overlap(model, columns) %}
    select *
    from (
        select
            {{ columns | join(', ') }},
            valid_to,
            lead(valid_from) over (partition by {{ columns | join(', ') }} order by valid_from) as next_from
        from {{ model }}
    ) as intervals
    where next_from is not null and (valid_to is null or valid_to > next_from)
{% endtest %}
