"""The envelope of every answer: which publication gave it, about which day, known at which instant."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Item = TypeVar("Item")

Number = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json")]
"""A decimal that travels as a string of digits, never with an exponent."""


class Schema(BaseModel):
    """A row as the API gives it; amounts, units and rates are decimals and travel as strings."""

    model_config = ConfigDict(frozen=True)


class PublicationInfo(Schema):
    """The publication an answer was read from."""

    publication_id: UUID
    night: str
    valuation_date: Annotated[date, Field(description="Day the publication is about.")]
    known_at: Annotated[
        datetime, Field(description="Instant up to which publications count for this answer.")
    ]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "publication_id": "5f0a1c1e-6d4e-5a52-9a3a-2b0f3d9f8c11",
                    "night": "2013-02-28T0300Z",
                    "valuation_date": "2013-02-27",
                    "known_at": "2013-02-28T03:00:00Z",
                }
            ]
        }
    )


class PageInfo(Schema):
    """Which part of a list this is."""

    limit: int
    offset: int
    returned: int
    next_offset: Annotated[int | None, Field(description="Where the next page starts; null on the last.")]


class Envelope(BaseModel, Generic[Item]):
    """An answer with its provenance."""

    publication: PublicationInfo
    valuation_date: Annotated[
        date | None, Field(description="Day that the data is about, where it is about one day.")
    ]
    data: Item
    page: PageInfo | None = None


def as_csv(rows: list[Schema], schema: type[Schema]) -> str:
    """Rows as CSV with a header, in the order of the schema's fields; nested values as JSON."""
    sheet = io.StringIO()
    names = [*schema.model_fields, *schema.model_computed_fields]
    writer = csv.DictWriter(sheet, names, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        values: dict[str, Any] = row.model_dump(mode="json")
        writer.writerow({name: _cell(values[name]) for name in names})
    return sheet.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, str) and value[:1] in {"=", "+", "@", "\t", "\r"}:
        return f"'{value}"  # a spreadsheet would run it as a formula
    return value
