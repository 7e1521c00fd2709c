"""What a bookkeeper should look at: names nobody knows, instruments made of what a source said, spam."""

from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from folio.books.introduced import SLOT

QUERY = r"""
    with waiting as (
        select substring(waits_for from 12) as name, count(*) as rows_waiting,
               min(loads.request) as first_file,
               min(substring(rejected_rows.reason from '\(the source calls it (.*)\)$')) as title
        from raw.rejected_rows join raw.loads as loads using (load_id)
        where waits_for like 'instrument %%' and landed_by is null
          and loads.source = 'books' and loads.status = 'loaded'
        group by 1
    ), described as (
        select distinct on (instrument_key) instrument_key, name, kind, loads.slot
        from raw.book_instruments join raw.loads as loads using (load_id)
        order by instrument_key, book_instruments.observed_at desc, load_id desc
    ), named as (
        select distinct on (scheme, alias, valid_from) scheme || ':' || alias as name, is_spam
        from raw.book_instrument_aliases
        order by scheme, alias, valid_from, observed_at desc, load_id desc
    )
    select 'unknown' as state, name, rows_waiting, concat_ws(', called ', first_file, title) as remark
    from waiting
    where name not in (select name from named where is_spam)
    union all
    select 'introduced', instrument_key, 0, kind || ', ' || name from described
    where slot like %(introduced)s
    union all
    select 'spam', name, 0, 'kept apart' from named where is_spam
    order by 1 desc, 2
"""


@dataclass(frozen=True)
class ToReview:
    """A name or an instrument: unknown (rows wait for it), introduced (made of a source's words) or spam."""

    state: Literal["unknown", "introduced", "spam"]
    name: str
    rows_waiting: int
    remark: str


def to_review(connection: psycopg.Connection[Any]) -> list[ToReview]:
    """Everything to look at, unknown names first; an instrument that a book describes is off the list."""
    with connection.cursor(row_factory=class_row(ToReview)) as cursor:
        return cursor.execute(QUERY, {"introduced": f"{SLOT} %"}).fetchall()
