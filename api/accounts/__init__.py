"""Accounts and what is booked and held in them."""
