"""Queries for accounts."""

from api.accounts.schemas import Account
from api.answers import PageInfo
from api.reading import Reading


def accounts(reading: Reading) -> tuple[list[Account], PageInfo]:
    """Accounts of the portfolios that the key may see, by code."""
    return reading.page_of("select * from {dim_accounts} as known order by account_code, account_id", Account)


def account(reading: Reading, name: str) -> Account | None:
    """The account of an id or a code."""
    found = reading.rows(
        "select * from {dim_accounts} as known"
        " where account_id::text = lower(%(name)s) or account_code = %(name)s",
        Account,
        name=name,
    )
    return found[0] if found else None
