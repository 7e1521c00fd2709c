"""Parts of the folio command line, one module a group."""
