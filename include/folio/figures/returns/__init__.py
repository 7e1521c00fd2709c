"""Returns of a value path: time-weighted, money-weighted and by period."""
