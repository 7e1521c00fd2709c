"""The gate before publication: built tables must satisfy every identity, and each result is kept."""

from folio.errors import GateError
from folio.jobs.nights import Night
from folio.quality.identities import IDENTITIES, Finding, examine
from folio.store import warehouse

SUITE = "identities"


def check_identities(night: str) -> list[Finding]:
    """Check all identities on the built tables of a night; GateError names those that do not hold.

    The results stay in `ops.check_results` either way, so that the reason of a closed gate can be read.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        findings = [examine(connection, identity) for identity in IDENTITIES]
        warehouse.replace(
            connection,
            "ops.check_results",
            ["night", "suite", "check_name", "subject", "severity", "status", "observed", "expected", "note"],
            [
                (
                    this.id,
                    SUITE,
                    finding.identity.name,
                    finding.identity.relation,
                    "fail",
                    "failed" if finding.breaches else "passed",
                    f"{finding.breaches} breaches",
                    finding.identity.law,
                    finding.examples or None,
                )
                for finding in findings
            ],
            where="night = %s and suite = %s",
            parameters=(this.id, SUITE),
        )
    broken = [finding for finding in findings if finding.breaches]
    if broken:
        raise GateError(
            "The night must not be published: "
            + " | ".join(
                f"{finding.identity.name} ({finding.breaches}): {finding.examples}" for finding in broken
            )
        )
    return findings
