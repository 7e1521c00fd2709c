-- Product of numbers, for split factors.
create aggregate ops.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
comment on aggregate ops.product(numeric) is 'Product of the values; 1 over none.';
