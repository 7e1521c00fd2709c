"""Findings of a night: what a suite of checks says of built tables, kept over what it said before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from folio.jobs.nights import Night
from folio.store import warehouse

COLUMNS = ("night", "suite", "check_name", "subject", "severity", "status", "observed", "expected", "note")


@dataclass(frozen=True)
class Check:
    """A check whose query gives one row a finding: subject, observed, expected, note."""

    name: str
    query: LiteralString


def warn(night: str, suite: str, checks: Iterable[Check], parameters: Mapping[str, object]) -> int:
    """Write down what the checks of a suite find as warnings, else that they passed; gives how many."""
    this = Night.parse(night)
    rows: list[Sequence[object]] = []
    count = 0
    with warehouse.connect() as connection:
        for check in checks:
            found = connection.execute(check.query, parameters).fetchall()
            count += len(found)
            rows += [(check.name, subject, "warn", "warned", *rest) for subject, *rest in found] or [
                (check.name, "all", "warn", "passed", "0 findings", None, None)
            ]
        keep(connection, this.id, suite, rows)
    return count


def keep(
    connection: psycopg.Connection[Any], night: str, suite: str, rows: Iterable[Sequence[object]]
) -> None:
    """Replace the results of a suite in a night, by its id, by rows of COLUMNS from `check_name` on."""
    warehouse.replace(
        connection,
        "ops.check_results",
        COLUMNS,
        [(night, suite, *row) for row in rows],
        where="night = %s and suite = %s",
        parameters=(night, suite),
    )
