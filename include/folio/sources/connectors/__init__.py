"""One module a provider: fetch bytes, parse rows."""
