"""Clients' own records: files that arrive in the drop folder, read, checked and landed row by row."""
