"""Alerts and monthly reports by e-mail: outbox, wording, sending, and a local catcher."""
