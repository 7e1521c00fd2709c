"""Demo input: real prices and rates from pip packages, funds computed from them, seeded books."""
