"""Lots: which units bought when are left, and which of them a sale closed."""
