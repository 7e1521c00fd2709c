"""What a snapshot no longer holds: a file that was cut short, told apart from things its source removed.

A provider that drops 159 schemes on one day drops them here and there; a file that broke off lacks exactly
what stood at the end of the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from folio.sources import landing, payloads
from folio.sources.landing import Load, Parse, TextBlocks, TextColumns
from folio.sources.tables import TABLES

CUT_ROWS = 10
"""Fewer rows gone from the end are no cut: single schemes end there as well."""


@dataclass(frozen=True)
class Removal:
    """Rows of the snapshot before that are gone, and how many of them stood at its very end."""

    before: int
    gone: Sequence[str]
    at_end: int

    @property
    def is_cut(self) -> bool:
        """Whether the file ends too early: its end is gone, and hardly anything else."""
        return self.at_end >= CUT_ROWS and 2 * self.at_end > len(self.gone)

    def __str__(self) -> str:
        """In words, with the first few names."""
        if not self.gone:
            return "nothing gone"
        names = ", ".join(self.gone[:5]) + (", ..." if len(self.gone) > 5 else "")
        where = f", {self.at_end} of them the end of the last file" if self.at_end else ""
        return f"{len(self.gone)} of {self.before} gone{where}: {names}"


@dataclass(frozen=True)
class Snapshots:
    """The payloads of a snapshot feed, as they are kept, and how they are read."""

    folder: Path
    parse: Parse

    def keys_before(self, connection: psycopg.Connection[Any], load: Load, thing: str) -> list[str] | None:
        """Keys of the load before, in the order of its file; None where there is no such load."""
        row = connection.execute(
            "select load_id from raw.loads where (source, dataset, status) = (%s, %s, 'loaded')"
            " and observed_at <= %s and load_id <> %s order by observed_at desc, load_id desc limit 1",
            (load.source, load.dataset, load.observed_at, load.load_id),
        ).fetchone()
        if row is None:
            return None
        last = landing.find(connection, row[0])
        if last.payload_sha256 is None:
            return None
        batch = self.parse(payloads.read(self.folder, last.payload_sha256), last)
        place = TABLES[batch.table].columns.index(thing)
        if isinstance(batch.rows, TextColumns):
            return list(batch.rows.columns[place])
        if isinstance(batch.rows, TextBlocks):
            return [key for block in batch.rows.blocks for key in block.columns[place]]
        return [str(row[place]) for row in batch.rows]


def removal(before: Sequence[str], now: set[str]) -> Removal:
    """What of a snapshot is gone from the next one; `before` in the order of the file."""
    gone = [key for key in before if key not in now]
    at_end = 0
    for key in reversed(before):
        if key in now:
            break
        at_end += 1
    return Removal(len(before), gone, at_end)
