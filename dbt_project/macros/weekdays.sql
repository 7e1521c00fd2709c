{% macro weekday_number(day) -%}
    {#- Mondays to Fridays from 1970-01-05 up to and including a day. -#}
    ((({{ day }}) - date '1970-01-05') / 7 * 5 + least((({{ day }}) - date '1970-01-05') % 7 + 1, 5))
{%- endmacro %}

{% macro weekdays_between(earlier, later) -%}
    {#- Mondays to Fridays after one day up to and including another. -#}
    ({{ weekday_number(later) }} - {{ weekday_number(earlier) }})
{%- endmacro %}
