-- Which stages need not be built again while no fact has come.
alter table ops.stage_builds add column is_current boolean not null default false;
comment on column ops.stage_builds.is_current is 'Whether its last build was completed, in the night now open and since any build of a stage before it.';
