-- Lots that a sale names.
alter table raw.book_transactions add column lot text;
comment on column raw.book_transactions.lot is
'External id of the purchase or transfer, in the same account, out of whose lots a sale takes its units; null where the method decides.';
