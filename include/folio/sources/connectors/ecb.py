"""European Central Bank: euro reference rates of the day, and their history from 1999."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from folio.errors import PayloadError
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession

DAILY_PATH = "/stats/eurofxref/eurofxref.zip"
HISTORY_PATH = "/stats/eurofxref/eurofxref-hist.zip"

NOT_QUOTED = frozenset({"", "N/A", "-"})
CURRENCY = re.compile(r"[A-Z]{3}")
MOST_UNPACKED_BYTES = 100_000_000
SLOT_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Ecb:
    """Fetches the ECB's zipped CSV files, as they are published for download."""

    http: ProviderSession

    def fetch_daily(self) -> Payload:
        """The newest rates, usually published about 16:00 in Frankfurt."""
        return self.http.get(DAILY_PATH)

    def fetch_history(self) -> Payload:
        """All rates since 1999."""
        return self.http.get(HISTORY_PATH)


def parse_rates(body: bytes, load: Load) -> Batch:
    """Rates of the daily file, for raw.ecb_fx_rates."""
    return _rates(body, date.min, _last_day_allowed(load))


def parse_history(body: bytes, load: Load) -> Batch:
    """Rates of the days in the load's slot (`2009-01`, or `2009-01-01..2009-01-15`) out of the history."""
    first, last = slot_days(load.slot)
    return _rates(body, first, min(last, _last_day_allowed(load)), only_these=True)


def slot_days(slot: str) -> tuple[date, date]:
    """First and last day of a slot that is a month or a range of days."""
    span = SLOT_RANGE.fullmatch(slot)
    if span:
        return date.fromisoformat(span[1]), date.fromisoformat(span[2])
    first = date.fromisoformat(f"{slot}-01")
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _rates(body: bytes, first: date, last: date, *, only_these: bool = False) -> Batch:
    """Quotes of the days between two, both included.

    A row of another day is left out where `only_these` is set; else it is rejected, quote for quote.
    """
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, day_text, quotes in _table(unpacked(body)):
        day = _day(day_text)
        if only_these and day is not None and not first <= day <= last:
            continue
        if not quotes:
            rejected.append(Rejected(line, "not as many fields as the header has", day_text))
        for code, text in quotes:
            quote = text.strip()
            if quote in NOT_QUOTED:
                continue
            fault = _fault(code, quote, day, day_text, last)
            if fault:
                rejected.append(
                    Rejected(line, f"{code or 'a column without a name'}: {fault}", f"{day_text},{quote}")
                )
            else:
                rows.append((day, code, Decimal(quote), line))
    return Batch("ecb_fx_rates", rows, rejected)


def _fault(code: str, quote: str, day: date | None, day_text: str, last: date) -> str | None:
    """Why a quote cannot be taken in."""
    if not CURRENCY.fullmatch(code):
        return f"{code!r} is no currency code"
    if day is None:
        return f"date cannot be read: {day_text!r}"
    if day > last:
        return f"date {day} lies ahead of {last}"
    try:
        rate = Decimal(quote)
    except InvalidOperation:
        return f"rate is no number: {quote!r}"
    if not rate.is_finite() or rate <= 0:
        return f"rate is not positive: {quote!r}"
    return None


def _table(text: str) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Line number, date and (currency, quote) pairs of each line; no pairs where a line is cut.

    PayloadError where there is no such table.
    """
    reader = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(reader, [])]
    if not header or header[0] != "Date" or "USD" not in header:
        raise PayloadError(f"line 1 is not the header of the ECB's rates: {','.join(header)[:120]!r}")
    lines = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        lines += 1
        whole = len(cells) == len(header)
        yield (
            reader.line_num,
            cells[0].strip(),
            list(zip(header[1:], cells[1:], strict=True)) if whole else [],
        )
    if not lines:
        raise PayloadError("the ECB's rates hold no line below the header")


def unpacked(body: bytes) -> str:
    """Text of the one CSV file in a zip, or of the body where it is none."""
    if not body.startswith(b"PK"):
        return body.decode("utf-8-sig", "replace")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise PayloadError(f"the zip holds {len(names)} CSV files where one is wanted")
            if archive.getinfo(names[0]).file_size > MOST_UNPACKED_BYTES:
                raise PayloadError(f"{names[0]} unpacks to more than {MOST_UNPACKED_BYTES} bytes")
            return archive.read(names[0]).decode("utf-8-sig", "replace")
    except (zipfile.BadZipFile, EOFError, OSError) as broken:
        raise PayloadError(f"the zip cannot be opened: {broken}") from None


def _day(text: str) -> date | None:
    """Date in either of the ECB's spellings."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.strptime(text, "%d %B %Y").date()
    except ValueError:
        return None


def _last_day_allowed(load: Load) -> date:
    """Latest day whose rates a file fetched at an instant can hold."""
    return (load.observed_at or datetime.now(UTC)).astimezone(UTC).date()
