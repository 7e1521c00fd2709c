-- Spin-offs: what an instrument gives away to another, with a part of its cost.
alter table raw.book_instrument_successors
    drop constraint book_instrument_successors_kind_check,
    add constraint book_instrument_successors_kind_check check (
        kind in ('rename', 'merger', 'delisting', 'ticker_reuse', 'segregation', 'spin_off')
    );
comment on column raw.book_instrument_successors.cost_share is
'Fraction of the cost that goes over to the successor of a segregation or spin-off.';
