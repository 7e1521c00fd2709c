"""Rows of publications, loads, findings and freshness."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.answers import Schema


class PublicationRow(Schema):
    """One complete night that readers saw."""

    publication_id: UUID
    ordinal: int
    night: str
    instant: Annotated[datetime, Field(description="What `known_at` is compared with.")]
    valuation_date: date
    known_at: Annotated[datetime, Field(description="Instant up to which facts counted.")]
    rows_opened: int
    rows_closed: int
    changes: Any
    published_at: datetime


class Load(Schema):
    """One attempt to take in one slot of one dataset."""

    load_id: UUID
    source: str
    dataset: str
    slot: str
    attempt: int
    night: str | None
    status: str
    payload_sha256: str | None
    payload_bytes: int | None
    observed_at: datetime | None
    known_basis: str
    rows_seen: int
    rows_new: int
    rows_changed: int
    rows_same: int
    rows_rejected: int
    reason: str | None


class Finding(Schema):
    """Result of one check on one subject in one night."""

    night: str
    suite: str
    check_name: str
    subject: str
    severity: str
    status: str
    observed: str | None
    expected: str | None
    note: str | None


class SourceFreshness(Schema):
    """How old the prices of a source are on the valuation date."""

    price_source: str | None
    instruments: int
    missing: Annotated[int, Field(description="Instruments without a usable price.")]
    carried: Annotated[int, Field(description="Instruments valued with an earlier day's price.")]
    newest_price_date: date | None
    oldest_price_date: date | None


class Freshness(Schema):
    """How old what is served is."""

    night: str
    valuation_date: date
    published_at: datetime
    age_seconds: Annotated[int, Field(description="Seconds since it was published.")]
    sources: list[SourceFreshness]


class Health(Schema):
    """The process answers."""

    status: str


class Published(Schema):
    """When a publication was made."""

    published_at: datetime
    age_seconds: int
