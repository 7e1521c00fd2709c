"""Orders that bring portfolios back to their targets, and the proof that they do."""
