"""Risk measures of return series."""
