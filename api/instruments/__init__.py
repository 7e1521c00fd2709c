"""Funds and market prices."""
