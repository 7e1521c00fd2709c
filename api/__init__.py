"""Folio's read-only API: published figures, as of any day, as known at any instant."""
