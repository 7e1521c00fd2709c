"""Portfolios and what is reported of them."""
