"""Fund statements as PDF: read with the investor's password, and kept only as what they say of holdings."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from folio.errors import PayloadError

SUFFIX = ".pdf"

KEPT: Mapping[str, frozenset[str]] = {
    "": frozenset({"cas_type", "file_type", "statement_period", "folios", "accounts"}),
    "folios": frozenset({"folio", "amc", "schemes"}),
    "schemes": frozenset(
        {
            *("scheme", "rta", "rta_code", "isin", "amfi", "type", "open", "close", "close_calculated"),
            *("valuation", "transactions"),
        }
    ),
    "transactions": frozenset(
        {"date", "description", "amount", "units", "nav", "balance", "type", "dividend_rate"}
    ),
    "accounts": frozenset(
        {"name", "type", "dp_id", "client_id", "balance", "equities", "mutual_funds", "bonds"}
    ),
}
"""What is kept of each list of a statement; of lists that do not stand here, all.

Who the investor is (name, address, e-mail, telephone, tax number, nominees, owners) is not.
"""


@dataclass(frozen=True)
class StatementRead:
    """A statement as a book file in JSON, and what its reader was not sure of."""

    body: bytes
    warnings: tuple[str, ...]


def read_pdf(payload: bytes, password: str) -> StatementRead:
    """A statement in the words of the statement parser, without anything that says whose it is.

    Raises
    ------
    PayloadError
        The password does not open the file, or it is no statement of a registrar or depository; the text
        never holds the password.
    """
    import casparser  # loads a PDF engine and a table of ISINs: not at every start
    from casparser.exceptions import IncorrectPasswordError, ParserException

    try:
        said = casparser.read_cas_pdf(io.BytesIO(payload), password)
    except IncorrectPasswordError:
        raise PayloadError("the password does not open the statement") from None
    except ParserException as wrong:
        raise PayloadError(f"not a fund statement that can be read: {wrong}") from None
    kept = _without_persons(said.model_dump(mode="json", by_alias=True))
    return StatementRead(
        (json.dumps(kept, indent=1, sort_keys=True) + "\n").encode(), tuple(said.parse_warnings)
    )


def _without_persons(said: Any, name: str = "") -> Any:
    """The same value with only what is kept of each object, at any depth."""
    if isinstance(said, list):
        return [_without_persons(one, name) for one in said]
    if not isinstance(said, dict):
        return said
    kept = KEPT.get(name)
    return {key: _without_persons(value, key) for key, value in said.items() if kept is None or key in kept}
