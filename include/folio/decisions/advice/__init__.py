"""Advice in words: facts, a computed menu of actions, writers that may not write a digit, and checks."""
