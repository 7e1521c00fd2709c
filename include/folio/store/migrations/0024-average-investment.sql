-- Returns on the average investment and of modified Dietz stand beside the time- and money-weighted ones.
alter table computed.period_rates
    add column modified_dietz numeric(20, 12),
    add column linked_modified_dietz numeric(20, 12),
    add column mean_investment numeric(28, 8);
comment on column computed.period_rates.modified_dietz is 'Gain over the period divided by the investment that its flows had on average.';
comment on column computed.period_rates.linked_modified_dietz is 'Modified Dietz returns of single days, chained.';
comment on column computed.period_rates.mean_investment is 'Average cost of what was held, without fees, in portfolio currency: its mean over the days of the period on which anything was.';
