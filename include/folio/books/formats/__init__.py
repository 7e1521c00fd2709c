"""Folio's own CSV book: one module a kind of file, each with the row it holds."""
