"""Folio: a nightly investment data pipeline with a read-only API."""
