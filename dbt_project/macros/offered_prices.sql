{% macro prices_of_source(
    aliases, schemes, relation, code, day, price, currency, source=none, scheme=none, integer_codes=false
) -%}
    {#- Prices of a source under the names of a scheme, or of several where `scheme` says which a row's is, as
        the names stood on each day. The list of names is evaluated first, so that only those in use are read
        from raw. -#}
    {%- set listed = "'" ~ schemes | join("', '") ~ "'" -%}
    select
        names.instrument_id,
        names.instrument_kind,
        names.local_currency,
        prices.{{ day }} as price_date,
        prices.{{ price }} as price_local,
        {{ currency }} as price_currency,
        {{ source or listed }} as price_source,
        prices.load_id,
        prices.source_line
    from {{ relation }} as prices
    inner join {{ aliases }} as names
        on
            names.alias_scheme = {{ scheme or listed }}
            and names.alias_code = cast(prices.{{ code }} as text)
            and prices.{{ day }} >= names.valid_from
            and (names.valid_to is null or prices.{{ day }} < names.valid_to)
    where
        {% if integer_codes -%}
        prices.{{ code }} = any(array(
            select cast(codes.alias_code as integer) from {{ aliases }} as codes
            where codes.alias_scheme in ({{ listed }}) and codes.alias_code ~ '^[0-9]{1,9}$'
        ))
        {%- else -%}
        prices.{{ code }} = any(array(
            select codes.alias_code from {{ aliases }} as codes
            where codes.alias_scheme in ({{ listed }})
        ))
    {%- endif %}
{%- endmacro %}

{% macro offered_prices(aliases) -%}
    {#- What every source says of the instruments in `aliases`: a further source is one more select. Alpha
        Vantage does not say a currency: it is taken to be that of the instrument. -#}
    {{ prices_of_source(
        aliases, ['amfi'], ref('stg_amfi__navs'), 'scheme_code', 'nav_date', 'nav', "'INR'", integer_codes=true
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['ticker'], ref('stg_polygon__daily_bars'), 'ticker', 'session_date', 'close_price', "'USD'",
        source="'polygon'"
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['ticker'], ref('stg_files__daily_bars'), 'ticker', 'session_date', 'close_price', "'USD'",
        source="'file'"
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['yahoo'], ref('int_yahoo_closes'), 'symbol', 'session_date', 'close_price', 'prices.quote_currency'
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['alphavantage'], ref('stg_alphavantage__daily_bars'), 'symbol', 'session_date', 'close_price',
        'names.local_currency'
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['coingecko'], ref('stg_coingecko__daily_prices'), 'coin_id', 'price_date', 'price',
        'prices.quote_currency'
    ) }}
    union all
    {{ prices_of_source(
        aliases, ['kraken', 'coinbase', 'binance'], ref('stg_exchanges__daily_candles'), 'pair', 'price_date',
        'close_price', 'prices.quote_currency', source='prices.exchange', scheme='prices.exchange'
    ) }}
{%- endmacro %}
