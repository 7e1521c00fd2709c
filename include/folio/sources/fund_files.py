"""Files of Indian funds: NAV histories by scheme code, and which ISIN belongs to which scheme."""

import csv
import io
from dataclasses import dataclass

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.connectors import amfi
from folio.sources.landing import Batch, Load, Rejected

NAV_HEADER = ["scheme_code", "date", "nav"]
ISIN_COLUMNS = ("isin", "amfi_code", "name", "type")


@dataclass(frozen=True)
class IsinScheme:
    """A scheme by ISIN, with AMFI's code where the file knows one; an ISIN may stand on several lines."""

    line: int
    isin: str
    scheme_code: int | None
    name: str
    type: str


@dataclass(frozen=True)
class IsinSchemes:
    """What a reference file says, in the order of the file, and the lines whose ISIN is none."""

    schemes: tuple[IsinScheme, ...]
    rejected: tuple[Rejected, ...]

    def aliases(self) -> dict[str, int]:
        """Scheme code of each ISIN that the file gives one and only one code."""
        codes: dict[str, set[int]] = {}
        for scheme in self.schemes:
            if scheme.scheme_code is not None:
                codes.setdefault(scheme.isin, set()).add(scheme.scheme_code)
        return {isin: next(iter(found)) for isin, found in codes.items() if len(found) == 1}


def parse_navs(body: bytes, load: Load) -> Batch:
    """NAVs of a history with the columns scheme_code, date (ISO), nav, for raw.amfi_navs.

    Raises
    ------
    PayloadError
        Another header; in particular NAVs without a day, which are of none.
    """
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig", "replace")))
    header = [cell.strip().lower() for cell in next(rows, [])]
    if header != NAV_HEADER:
        why = "" if "date" in header else "NAVs without a day are of none: "
        raise PayloadError(f"{why}the header is {','.join(header)!r}, not {','.join(NAV_HEADER)!r}")
    latest = amfi.last_day_allowed(load.observed_at)
    good: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, cells in enumerate(rows, start=2):
        try:
            if len(cells) != len(NAV_HEADER) or not cells[0].isdecimal():
                raise ValueError(f"scheme code is no number: {cells[:1]}")
            day = exact.day(cells[1], "date")
            if day > latest:
                raise ValueError(f"date {day} lies ahead: the last date possible was {latest}")
            nav, fault = amfi.nav_or_fault(cells[2])
            if fault:
                raise ValueError(fault)
            good.append((day, int(cells[0]), nav, line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), ",".join(cells)))
    return Batch("amfi_navs", good, rejected)


def read_isin_schemes(body: bytes) -> IsinSchemes:
    """Which ISIN belongs to which scheme; PayloadError where the file has other columns."""
    rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig", "replace")))
    missing = [name for name in ISIN_COLUMNS if name not in (rows.fieldnames or [])]
    if missing:
        raise PayloadError(f"no list of ISINs and schemes: no column {', '.join(missing)}")
    schemes: list[IsinScheme] = []
    rejected: list[Rejected] = []
    for line, row in enumerate(rows, start=2):
        isin = amfi.clean_isin(row["isin"])
        code = row["amfi_code"].strip()
        if isin is None or (code and not code.isdecimal()):
            reason = "no Indian ISIN" if isin is None else "scheme code is no number"
            rejected.append(Rejected(line, f"{reason}: {row['isin']!r} {code!r}", row["name"]))
        else:
            schemes.append(IsinScheme(line, isin, int(code) if code else None, row["name"], row["type"]))
    return IsinSchemes(tuple(schemes), tuple(rejected))
