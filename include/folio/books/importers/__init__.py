"""Exports and statements of brokers, exchanges and other tools, read into Folio's own transactions."""
