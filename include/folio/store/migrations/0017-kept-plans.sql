-- What a plan answers, so that the same question need not be asked again.
alter table computed.rebalance_plans add column problem_sha256 text;
comment on column computed.rebalance_plans.problem_sha256 is 'Hash of everything that decided the plan; null: not solved, or before hashes were kept.';

-- Plans replaced take their orders with them.
create index rebalance_orders_plan_id on computed.rebalance_orders (plan_id);
