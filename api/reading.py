"""One answer is one transaction: who asks, which publication answers, the rows known then."""

import hashlib
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.responses import Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from psycopg import sql
from psycopg.rows import class_row
from pydantic import AwareDatetime

from api.answers import Envelope, PageInfo, PublicationInfo, Schema, as_csv
from api.database import Connection, Database
from api.errors import ApiError, NotModified

Row = TypeVar("Row", bound=Schema)

VERSION = "1"
VARY = "X-API-Key, Authorization, Accept"
JSON, CSV = "application/json", "text/csv"
LIVE_VIEWS = frozenset({"fct_restatements", "publications"})
"""Marts that are views over all versions: they are narrowed by their own instants."""

header_key = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="Secret that `folio keys create` printed."
)
bearer_key = HTTPBearer(auto_error=False, description="The same secret as a bearer token.")


@dataclass(frozen=True)
class Key:
    """Whose key asks; the secret itself is not kept."""

    key_id: UUID
    scope: str
    visible_sha256: str


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    limit: int
    offset: int


@dataclass(frozen=True)
class Publication:
    """The publication that answers."""

    publication_id: UUID
    night: str
    instant: datetime
    valuation_date: date


@dataclass(frozen=True)
class Reading:
    """The open transaction of one answer, and what it was asked for."""

    connection: Connection
    key: Key
    publication: Publication
    as_of: date
    known_at: datetime
    instant: datetime | None
    page: Page
    media_type: str
    headers: Mapping[str, str]

    def rows(self, query: str, schema: type[Row], **parameters: Any) -> list[Row]:
        """Rows of a query in which `{name}` is a mart as it was known, `{_name}` a column given."""
        names = {name for _, name, _, _ in string.Formatter().parse(query) if name}
        parts: dict[str, sql.Composable] = {
            name: sql.Identifier(parameters.pop(name)) if name.startswith("_") else self._mart(name)
            for name in names
        }
        with self.connection.cursor(row_factory=class_row(schema)) as cursor:
            cursor.execute(sql.SQL(query).format(**parts), parameters)
            return cursor.fetchall()

    def page_of(self, query: str, schema: type[Row], **parameters: Any) -> tuple[list[Row], PageInfo]:
        """The page asked for of an ordered query."""
        rows = self.rows(
            query + " limit %(page_limit)s offset %(page_offset)s",
            schema,
            page_limit=self.page.limit + 1,
            page_offset=self.page.offset,
            **parameters,
        )
        has_more = len(rows) > self.page.limit
        rows = rows[: self.page.limit]
        following = self.page.offset + len(rows) if has_more else None
        return rows, PageInfo(
            limit=self.page.limit, offset=self.page.offset, returned=len(rows), next_offset=following
        )

    def page_within(self, rows: list[Row]) -> tuple[list[Row], PageInfo]:
        """The page asked for of rows from the first one on, of which one more than its last is enough."""
        page = rows[self.page.offset : self.page.offset + self.page.limit]
        end = self.page.offset + len(page)
        return page, PageInfo(
            limit=self.page.limit,
            offset=self.page.offset,
            returned=len(page),
            next_offset=end if len(rows) > end else None,
        )

    def without_tag(self) -> "Reading":
        """The same, for answers that change between publications: no caller may keep them."""
        kept = {name: value for name, value in self.headers.items() if name != "ETag"}
        return replace(self, headers=kept | {"Cache-Control": "no-store"})

    def of_the_day(self) -> "Reading":
        """The same, reading what the last publication about `as_of` or a day before it said.

        For figures of which only the newest is served: the versions keep the older ones.
        """
        if self.as_of >= self.publication.valuation_date:
            return self
        publication = _publication(self.connection, self.publication.instant, self.as_of)
        if publication is None:
            raise ApiError(
                404, "nothing_known_then", f"No publication is about {self.as_of} or a day before it."
            )
        return replace(self, publication=publication, instant=publication.instant)

    def require_analyst(self) -> None:
        """Refuse keys that see only some investors."""
        if self.key.scope != "analyst":
            raise ApiError(403, "scope_too_small", "Only keys of scope analyst may read this.")

    def answer(
        self,
        rows: list[Row],
        schema: type[Row],
        page: PageInfo | None = None,
        valuation_date: date | None = None,
    ) -> Response:
        """A list in the form that was asked for."""
        headers = dict(self.headers)
        if self.media_type == CSV:
            headers["Folio-Publication"] = str(self.publication.publication_id)
            headers["Folio-Valuation-Date"] = str(valuation_date or "")
            headers["Folio-Known-At"] = self.known_at.isoformat()
            return Response(as_csv(list(rows), schema), media_type=f"{CSV}; charset=utf-8", headers=headers)
        envelope = Envelope[list[Row]](
            publication=self._provenance(), valuation_date=valuation_date, data=rows, page=page
        )
        return Response(envelope.model_dump_json(), media_type=JSON, headers=headers)

    def answer_one(self, row: Row, valuation_date: date | None = None) -> Response:
        """A single object; as CSV a table of one row."""
        if self.media_type == CSV:
            return self.answer([row], type(row), valuation_date=valuation_date)
        envelope = Envelope[Row](publication=self._provenance(), valuation_date=valuation_date, data=row)
        return Response(envelope.model_dump_json(), media_type=JSON, headers=dict(self.headers))

    def _provenance(self) -> PublicationInfo:
        return PublicationInfo(
            publication_id=self.publication.publication_id,
            night=self.publication.night,
            valuation_date=self.publication.valuation_date,
            known_at=self.known_at,
        )

    def _mart(self, name: str) -> sql.Composable:
        if self.instant is None or name in LIVE_VIEWS:
            return sql.Identifier("marts", name)
        return sql.SQL(
            "(select * from {} where known_from <= {} and (known_to is null or known_to > {}))"
        ).format(sql.Identifier("history", name), sql.Literal(self.instant), sql.Literal(self.instant))


def reading(
    request: Request,
    header: Annotated[str | None, Security(header_key)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_key)] = None,
    as_of: Annotated[
        date | None,
        Query(description="Valuation date: figures of this day, or of the latest stored before it."),
    ] = None,
    known_at: Annotated[
        AwareDatetime | None,
        Query(description="Instant with offset: figures as published by then, before later restatements."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="Rows of a page.")] = 500,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000, description="Rows to leave out.")] = 0,
) -> Iterator[Reading]:
    """Open the transaction of an answer for a valid key.

    Raises
    ------
    ApiError
        401 without a valid key, 406 for a form that is not offered, 404 when nothing was known at `known_at`,
        503 before the first publication.
    NotModified
        The caller's ETag is that of the answer.
    """
    media_type = _media_type(request.headers.get("accept", "*/*"))
    secret = header or (bearer.credentials if bearer else None)
    if not secret:
        raise ApiError(
            401,
            "key_required",
            "Send a key as X-API-Key or as a bearer token.",
            {"WWW-Authenticate": "Bearer"},
        )
    database: Database = request.app.state.database
    with database.reader.connection() as connection:
        key = _key(connection, secret)
        request.state.key_id = key.key_id
        publication = _publication(connection, known_at)
        if publication is None:
            if known_at and _publication(connection):
                raise ApiError(404, "nothing_known_then", f"Nothing was published by {known_at.isoformat()}.")
            raise ApiError(503, "not_published", "No night has been published yet.", {"Retry-After": "60"})
        headers = {
            "ETag": _etag(request, publication, key, media_type),
            "Cache-Control": "private, no-cache",
            "Vary": VARY,
        }
        if headers["ETag"] in _etags(request.headers.get("if-none-match", "")):
            raise NotModified(headers)
        yield Reading(
            connection=connection,
            key=key,
            publication=publication,
            as_of=as_of or publication.valuation_date,
            known_at=known_at or publication.instant,
            instant=publication.instant if known_at else None,
            page=Page(limit, offset),
            media_type=media_type,
            headers=headers,
        )


Answer = Annotated[Reading, Depends(reading)]


def _key(connection: Connection, secret: str) -> Key:
    """The key of a secret, held by this transaction alone."""
    connection.execute(
        "select set_config('folio.key_hash', %s, true)", [hashlib.sha256(secret.encode()).hexdigest()]
    )
    row = connection.execute("select key_id, scope, visible_sha256 from access.current_key()").fetchone()
    if row is None:
        raise ApiError(
            401, "key_invalid", "The key is unknown, revoked or expired.", {"WWW-Authenticate": "Bearer"}
        )
    return Key(*row)


def _publication(
    connection: Connection, instant: datetime | None = None, as_of: date | None = None
) -> Publication | None:
    """The last publication, of those by an instant and of those about a day or one before it."""
    row = connection.execute(
        """
        select publication_id, night, instant, valuation_date from marts.publications
        where (%(instant)s::timestamptz is null or instant <= %(instant)s)
              and (%(as_of)s::date is null or valuation_date <= %(as_of)s)
        order by ordinal desc limit 1
        """,
        {"instant": instant, "as_of": as_of},
    ).fetchone()
    return Publication(*row) if row else None


def _media_type(accept: str) -> str:
    """JSON or CSV, whichever the caller prefers; JSON when it does not matter."""
    wanted = []
    for order, part in enumerate(accept.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if weight > 0:
            wanted.append((-weight, order, name))
    for _, _, name in sorted(wanted):
        if name in {JSON, "application/*", "*/*"}:
            return JSON
        if name in {CSV, "text/*"}:
            return CSV
    raise ApiError(406, "not_acceptable", f"Answers are given as {JSON} or {CSV}.")


def _etag(request: Request, publication: Publication, key: Key, media_type: str) -> str:
    """Tag of an answer: it changes with the publication, the key, what the key sees, and the question."""
    parts = (
        VERSION, str(publication.publication_id), str(key.key_id), key.visible_sha256, request.url.path,
        request.url.query, media_type,
    )  # fmt: skip
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f'"{digest[:32]}"'


def _etags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",") if part.strip()}
