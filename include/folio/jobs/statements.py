"""Findings on statements: where what an account is said to hold is not what its ledger makes."""

from typing import LiteralString

from folio.jobs import findings
from folio.jobs.findings import Check

SUITE = "statements"

DIFFERING: LiteralString = """
    select accounts.account_code || ' ' || instruments.instrument_code || ' ' || checks.statement_date,
           trim_scale(checks.ledger_units) || ' units by the ledger',
           trim_scale(checks.stated_units) || ' units by the statement',
           checks.status || ': ' || checks.reason
    from build.fct_statement_checks as checks
    join build.dim_accounts as accounts using (account_id)
    join build.dim_instruments as instruments using (instrument_id)
    where checks.status <> 'ties'
    order by 1
"""

CHECKS = (Check("ledger_holds_what_statements_say", DIFFERING),)


def check_statements(night: str) -> int:
    """Write a warning for each statement that the ledger does not tie with; gives how many there are.

    Needs the built checks. A difference is a finding of every night until a booking or a later statement
    settles it.
    """
    return findings.warn(night, SUITE, CHECKS, {})
