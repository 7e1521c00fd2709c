-- What tax law makes of a sale: its term, why it met its lot, and losses denied because units were bought again.
alter table computed.lot_matches
    add column match_rule text not null default 'lot',
    add column term text,
    add column disallowed_account numeric(28, 8) not null default 0,
    add column cost_added_account numeric(28, 8) not null default 0;
alter table computed.lots
    add column cost_added_account numeric(28, 8) not null default 0;
