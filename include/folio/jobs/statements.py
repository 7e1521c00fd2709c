"""Findings on statements: where what an account is said to hold is not what its ledger makes."""

from folio.jobs.nights import Night
from folio.store import warehouse

SUITE = "statements"
CHECK = "ledger_holds_what_statements_say"
COLUMNS = ("night", "suite", "check_name", "subject", "severity", "status", "observed", "expected", "note")

DIFFERING = """
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


def check_statements(night: str) -> int:
    """Write a warning for each statement that the ledger does not tie with; gives how many there are.

    Needs the built checks. A difference is a finding of every night until a booking or a later statement
    settles it.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        found = connection.execute(DIFFERING).fetchall()
        rows = [(this.id, SUITE, CHECK, subject, "warn", "warned", *rest) for subject, *rest in found]
        warehouse.replace(
            connection,
            "ops.check_results",
            COLUMNS,
            rows or [(this.id, SUITE, CHECK, "all", "warn", "passed", "0 findings", None, None)],
            where="night = %s and suite = %s",
            parameters=(this.id, SUITE),
        )
    return len(found)
