-- Holdings of any day count what is on its way; the function is made anew by the next publication.
drop function if exists marts.holdings_on(date, timestamptz);
