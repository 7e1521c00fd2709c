{% macro are_buckets_moved() -%}
    {#- Whether any instrument has come into another bucket since allocations were last made, whatever their day. -#}
    {%- set instruments = ref('dim_instruments') -%}
    {%- set allocated = adapter.get_relation(this.database, this.schema, 'int_buckets_allocated') if execute -%}
    {%- if is_incremental() and allocated -%}
        exists (
            select instrument_id, instrument_code, asset_class, sector, region from {{ instruments }}
            except
            select instrument_id, instrument_code, asset_class, sector, region from {{ allocated }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
