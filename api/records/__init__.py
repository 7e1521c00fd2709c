"""Records that portfolios and accounts have in common: holdings, bookings, lots, gains, recommendations."""
