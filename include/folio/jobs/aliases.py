"""By which names the books call instruments at a provider: who must be asked about what."""

from typing import Any

import psycopg

from folio.jobs.nights import Night


def current(connection: psycopg.Connection[Any], scheme: str, night: Night) -> list[str]:
    """Aliases of a scheme that name an instrument on the night's day, as the books now stand, in order.

    A provider that no instrument needs gets an empty list and is not asked.
    """
    rows = connection.execute(
        "select distinct alias from ("
        "  select distinct on (scheme, alias, valid_from) alias, valid_from, valid_to, instrument_key"
        "  from raw.book_instrument_aliases where scheme = %s"
        "  order by scheme, alias, valid_from, observed_at desc, load_id desc"
        " ) as known where instrument_key is not null"
        " and valid_from <= %s and (valid_to is null or valid_to > %s)"
        " order by alias",
        (scheme, night.valuation_date, night.valuation_date),
    ).fetchall()
    connection.rollback()
    return [row[0] for row in rows]
