"""Take in a price history file: daily bars as traded, for the days that no provider is asked for."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from folio.errors import LoadError
from folio.settings import settings
from folio.sources import landing, price_files
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload
from folio.sources.price_files import Declared
from folio.store import warehouse


def take_in(path: Path, collection: str, ticker: str | None = None, declared: Declared | None = None) -> Load:
    """Land a file's bars in raw.file_daily_bars; a file that was taken in is left alone, whatever its name.

    When a value of the past was first seen is not on record, so its known_basis is `assumed`.

    Parameters
    ----------
    collection : name of where the file came from; a part of the bars' key.
    ticker : whose bars they are, where the file does not say.
    declared : the layout of a file without header.

    Raises
    ------
    LoadError
        The file cannot be opened. What is wrong with its content ends in a failed load.
    """
    try:
        body = path.read_bytes()
    except OSError as fault:
        raise LoadError(f"{path.name} cannot be opened: {fault.strerror}") from fault
    content = hashlib.sha256(body).hexdigest()[:12]
    ask = Ask("file", "daily_bars", f"{collection} {ticker or 'all'} {content}", None, path.name, "assumed")
    with warehouse.connect() as connection:
        return landing.take_in(
            connection,
            ask,
            lambda: Payload(body, datetime.now(UTC), path.name),
            price_files.parser(collection, ticker, declared),
            folder=settings().payload_folder,
        )
