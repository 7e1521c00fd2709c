{% macro same_event_days() -%}
    {#- Days within which two statements of a split, bonus or dividend of one instrument are of one event. -#}
    5
{%- endmacro %}

{% macro bonus_allotment_days() -%}
    {#- Days after the ex-date within which bonus units are credited and booked. -#}
    60
{%- endmacro %}
