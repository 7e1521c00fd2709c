"""Files of factors and risk-free rates that wait in the drop folder, taken in by the layout they declare."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from folio.errors import PayloadError
from folio.jobs.ingest import take_in
from folio.jobs.nights import ID_FORMAT, Night
from folio.settings import settings
from folio.sources.connectors.factors import FactorLayout, layout_of
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload
from folio.store import warehouse

FOLDER = "factors"
"""Subfolder of the drop folder in which the files arrive, as .csv or .csv.gz."""

_TIMED = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{4}Z)_")


def factor_files(night: str) -> list[Load]:
    """Take in every file that is due on a night; one taken in before is left alone.

    When a value was first published is not on record, so it counts as known a day after its own day (45
    days after its month, for factors), with known_basis `assumed`. A file of no declared layout is a failed
    load that says which there are. In recorded mode a name that begins with an instant is due from then on.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        loads = []
        for path, body, observed_at in _due(settings().drop / FOLDER, this, recorded=settings().recorded):
            dataset = _dataset(body)
            slot = f"{path.name}@{hashlib.sha256(body).hexdigest()[:12]}"
            ask = Ask("factors", dataset, slot, this.id, path.name, "assumed")
            payload = Payload(body, observed_at, path.name)
            loads.append(take_in(connection, ask, lambda payload=payload: payload))  # type: ignore[misc]
        return loads


def _due(folder: Path, night: Night, *, recorded: bool) -> Iterator[tuple[Path, bytes, datetime]]:
    """Files that a night may see, by name, each with its content and when it was observed."""
    for path in sorted(folder.glob("*.csv*")) if folder.is_dir() else []:
        timed = _TIMED.match(path.name) if recorded else None
        observed_at = datetime.strptime(timed[1], ID_FORMAT).replace(tzinfo=UTC) if timed else None
        if path.is_file() and (observed_at is None or observed_at <= night.instant):
            yield path, path.read_bytes(), observed_at or datetime.now(UTC)


def _dataset(body: bytes) -> str:
    """Dataset of a file by its layout; one without a layout fails when it is read as rates, and says why."""
    try:
        return "factor_returns" if isinstance(layout_of(body), FactorLayout) else "risk_free_rates"
    except PayloadError:
        return "risk_free_rates"
