{% macro work_memory() -%}
    {#- For the few models that sort or hash millions of rows; holds until the model's transaction ends. -#}
    set local work_mem = '128MB'
{%- endmacro %}
