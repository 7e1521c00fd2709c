-- Names that only one source uses, and events that undo part of an earlier one.
alter table raw.book_instrument_aliases drop constraint book_instrument_aliases_scheme_check;
alter table raw.book_instrument_aliases
add constraint book_instrument_aliases_scheme_check check (
    scheme in (
        'amfi', 'isin', 'ticker', 'yahoo', 'alphavantage', 'coingecko', 'kraken', 'coinbase', 'binance', 'contract',
        'coin', 'source'
    )
);

alter table raw.book_transactions
add column reverses text,
add constraint book_transactions_reversal_says_what check ((reverses is not null) = (kind = 'reversal'));
comment on column raw.book_transactions.reverses is
'Kind of event that a reversal takes back, such as a tax that was refunded; its figures count with the other sign.';
