"""Price series of one instrument: what is wrong with them, and what they would be without it."""
