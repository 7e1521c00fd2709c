"""The gate before publication: built tables must satisfy every identity, and each result is kept."""

from folio.errors import GateError
from folio.jobs import findings, touches
from folio.jobs.nights import Night
from folio.quality.identities import IDENTITIES, Finding, examine
from folio.store import warehouse

SUITE = "identities"


NOTHING_VALUED = (
    "no portfolio can be valued: every price is missing or past its carry limit. "
    "Readers keep the last publication."
)


def can_value(night: str) -> bool:
    """Whether any portfolio has a value on the night's valuation date; the answer is kept as a check.

    A night on which sources failed for so long that nothing can be valued would only take readers' last
    known figures away, so it is not published.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        row = connection.execute(
            "select count(*), count(value_portfolio) from build.fct_portfolio_values_daily "
            "where valuation_date = %s",
            (this.valuation_date,),
        ).fetchone()
        portfolios, valued = row or (0, 0)
        can = bool(valued)
        findings.keep(
            connection,
            this.id,
            "publication",
            [
                (
                    *("something_is_valued", "fct_portfolio_values_daily", "warn"),
                    "passed" if can else "warned",
                    f"{valued} of {portfolios} portfolios",
                    "at least one",
                    None if can else NOTHING_VALUED,
                )
            ],
        )
    return can


def check_identities(night: str) -> list[Finding]:
    """Check all identities on the built tables of a night; GateError names those that do not hold.

    The results stay in `ops.check_results` either way, so that the reason of a closed gate can be read.
    After a breach the next build makes every day anew, whatever broke the tables.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        found = [examine(connection, identity) for identity in IDENTITIES]
        findings.keep(
            connection,
            this.id,
            SUITE,
            [
                (
                    finding.identity.name,
                    finding.identity.relation,
                    "fail",
                    "failed" if finding.breaches else "passed",
                    f"{finding.breaches} breaches",
                    finding.identity.law,
                    finding.examples or None,
                )
                for finding in found
            ],
        )
    broken = [finding for finding in found if finding.breaches]
    if broken:
        touches.distrust()
        raise GateError(
            "The night must not be published: "
            + " | ".join(
                f"{finding.identity.name} ({finding.breaches}): {finding.examples}" for finding in broken
            )
        )
    return found
