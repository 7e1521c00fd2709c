"""Rows of accounts."""

from datetime import date
from uuid import UUID

from api.answers import Schema


class Account(Schema):
    """Where units are held."""

    account_id: UUID
    account_code: str
    account_name: str | None
    portfolio_id: UUID
    account_kind: str
    account_currency: str
    tax_regime: str
    lot_method: str
    cash_model: str
    flow_timing: str
    opened_on: date
