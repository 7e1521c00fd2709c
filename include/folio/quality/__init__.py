"""Expectations on batches before they land, identities on built tables."""
