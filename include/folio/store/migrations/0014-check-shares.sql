-- What a check saw as a number, from which later checks learn what is usual.
alter table ops.check_results add column observed_share double precision;
comment on column ops.check_results.observed_share is 'Share of rows outside the bound, where the check is one on values.';
create index check_results_by_subject on ops.check_results (suite, check_name, subject text_pattern_ops);
