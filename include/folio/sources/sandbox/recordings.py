"""A sandbox's answers from folders of payloads recorded at known instants."""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path

from folio.errors import ServiceError
from folio.sources.sandbox.answers import Answer, BarRow, SplitRow
from folio.sources.session import HTML

NAVALL_NAME = re.compile(
    r"NAVAll_(\d{4}-\d{2}-\d{2})(?:T(\d{2})(\d{2})Z?)?(?:_[^.]*)?\.txt(?:\.gz)?", re.IGNORECASE
)
RATES_NAME = re.compile(r"eurofxref-hist.*\.csv(?:\.gz)?", re.IGNORECASE)
RATES_KNOWN = time(15, 0)
STATUS_IN_HTML = re.compile(rb"<title>\s*(\d{3})\b|<h1>\s*(\d{3})\b", re.IGNORECASE)


def recorded_instants(folder: Path) -> list[datetime]:
    """Instants (UTC) at which a folder's NAV files were recorded, in order; untimed names count as 00:00Z."""
    return [instant for instant, _ in recordings(folder)]


def recordings(folder: Path) -> list[tuple[datetime, Path]]:
    """Recorded NAV files of a folder by instant; ServiceError where there is no such folder."""
    if not folder.is_dir():
        raise ServiceError(f"there is no folder {folder} of recorded payloads")
    found: dict[datetime, Path] = {}
    for path in sorted(folder.iterdir()):
        name = NAVALL_NAME.fullmatch(path.name)
        if name:
            clock = time(int(name[2]), int(name[3])) if name[2] else time(0, 0)
            found.setdefault(datetime.combine(date.fromisoformat(name[1]), clock, UTC), path)
    return sorted(found.items())


@dataclass(frozen=True)
class Recordings:
    """Answers from folders of recorded NAV files, with the ECB's history where a folder holds it.

    As of an instant the file of that instant answers, else the newest before it. Providers without a
    recording answer as they do on a day without news; the ECB without a file answers 404.
    """

    folders: Sequence[Path]

    def navs(self, as_of: datetime | None) -> Answer | None:
        """The recorded NAV file, as it was: a page that says 404 comes with that status."""
        known = [(instant, path) for instant, path in self._navs if as_of is None or instant <= as_of]
        if not known:
            return None
        instant, path = known[-1]
        body = _bytes(path)
        if not HTML.match(body):
            return Answer(200, "text/plain", body, instant)
        said = STATUS_IN_HTML.search(body)
        return Answer(int(said[1] or said[2]) if said else 200, "text/html", body, instant)

    def nav_history(self, first: date, last: date, as_of: datetime | None) -> Answer | None:
        """Not recorded."""
        return None

    def bars(self, day: date, as_of: datetime | None) -> list[str] | None:
        """Not recorded: a day without bars."""
        return []

    def splits(self, as_of: datetime | None) -> list[SplitRow]:
        """Not recorded: none."""
        return []

    def ticker_bars(self, ticker: str, as_of: datetime | None) -> list[BarRow]:
        """Not recorded: none."""
        return []

    def tickers(self, as_of: datetime | None) -> list[str]:
        """Not recorded: none."""
        return []

    def dividends(self, as_of: datetime | None) -> list[dict[str, str]]:
        """Not recorded: none."""
        return []

    def scheme_navs(self, code: str, as_of: datetime | None) -> list[tuple[date, str]]:
        """Not recorded: none."""
        return []

    def rates(self, as_of: datetime | None) -> tuple[str, list[str]] | None:
        """The recorded history, cut at the instant."""
        if self._rates is None:
            return None
        header, lines = self._rates
        if as_of is None:
            return header, lines
        instant = as_of.astimezone(UTC)
        last = date.fromordinal(instant.toordinal() - (0 if instant.time() >= RATES_KNOWN else 1)).isoformat()
        return header, [line for line in lines if line[:10] <= last]

    def recorded_at(self, as_of: datetime | None) -> datetime:
        """The instant asked about."""
        return as_of or datetime.now(UTC)

    @cached_property
    def _navs(self) -> list[tuple[datetime, Path]]:
        """NAV files of all folders by instant."""
        return sorted(one for folder in self.folders for one in recordings(folder))

    @cached_property
    def _rates(self) -> tuple[str, list[str]] | None:
        """Header and lines of the newest history file, newest first."""
        files = sorted(
            path for folder in self.folders for path in folder.iterdir() if RATES_NAME.fullmatch(path.name)
        )
        if not files:
            return None
        header, *lines = _bytes(files[-1]).decode().splitlines()
        return header, sorted(filter(None, lines), reverse=True)


def _bytes(path: Path) -> bytes:
    """Content of a file, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
