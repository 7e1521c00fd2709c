{% macro weekday_number(day) -%}
    {#- Mondays to Fridays from 1970-01-05 up to and including a day. -#}
    ((({{ day }}) - date '1970-01-05') / 7 * 5 + least((({{ day }}) - date '1970-01-05') % 7 + 1, 5))
{%- endmacro %}

{% macro weekdays_between(earlier, later) -%}
    {#- Mondays to Fridays after one day up to and including another. -#}
    ({{ weekday_number(later) }} - {{ weekday_number(earlier) }})
{%- endmacro %}

{% macro sessions_between(earlier, later, earlier_day, later_day) -%}
    {#- Sessions after one day up to and including another, from the two rows of their calendar; weekdays where
        one is missing: without a calendar, and before or after the days it has. -#}
    coalesce(
        {{ later_day }}.session_number - {{ earlier_day }}.session_number,
        {{ weekdays_between(earlier, later) }}
    )
{%- endmacro %}
