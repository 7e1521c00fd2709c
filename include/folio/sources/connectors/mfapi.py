"""mfapi.in: the whole NAV history of one Indian fund scheme, under AMFI's scheme codes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.connectors import amfi
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError

HISTORY_PATH = "/mf/{code}"


@dataclass(frozen=True)
class Mfapi:
    """Fetches from mfapi.in; no key is needed."""

    http: ProviderSession

    def fetch_history(self, code: int) -> Payload:
        """All NAVs of a scheme, newest first; UnusableAnswerError where it knows no such scheme."""
        payload = self.http.get(HISTORY_PATH.format(code=code))
        try:
            _history(payload.body, code)
        except PayloadError as fault:
            raise UnusableAnswerError(f"{payload.origin}: HTTP 200, but {fault}", payload) from None
        return payload


def slot_of(code: int, when: str) -> str:
    """Slot of a scheme's history: its code, and the month or night in which it was asked for."""
    return f"{code} {when}"


def parse_history(body: bytes, load: Load) -> Batch:
    """NAVs of the scheme in the load's slot, for raw.amfi_navs; line counts the entries."""
    code = int(load.slot.partition(" ")[0])
    latest = amfi.last_day_allowed(load.observed_at)
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, entry in enumerate(_history(body, code), start=1):
        said = entry if isinstance(entry, dict) else {}
        nav, fault = amfi.nav_or_fault(str(said.get("nav")))
        day = _day(said.get("date"))
        if day is None:
            fault = f"date cannot be read: {said.get('date')!r}"
        elif day > latest:
            fault = f"date {day} lies ahead: the last date possible was {latest}"
        if fault:
            rejected.append(Rejected(line, fault, exact.text(entry)))
        else:
            rows.append((day, code, nav, line))
    return Batch("amfi_navs", rows, rejected)


def _history(body: bytes, code: int) -> list[Any]:
    """Entries of a scheme's history.

    Raises
    ------
    PayloadError
        The body is not an answer of mfapi.in, is no success, or is of no scheme or of another.
    """
    answer = exact.mapping(body)
    meta, data = answer.get("meta"), answer.get("data")
    if answer.get("status") != "SUCCESS" or not isinstance(meta, dict) or not isinstance(data, list):
        raise PayloadError(f"not a NAV history of mfapi.in: {exact.in_short(exact.text(answer))}")
    found = meta.get("scheme_code")
    if str(found) != str(code):
        raise PayloadError(f"mfapi.in answered about scheme {found!r}, not about {code}")
    return data


def _day(value: object) -> date | None:
    """Date of text such as 27-08-2026."""
    try:
        return datetime.strptime(str(value), "%d-%m-%Y").replace(tzinfo=UTC).date()
    except ValueError:
        return None
