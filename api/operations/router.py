"""Routes about what was published, loaded, found and restated, and whether the service works."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.answers import Envelope
from api.database import Database
from api.errors import ApiError
from api.operations import repository
from api.operations.schemas import Finding, Freshness, Health, Load, PublicationRow
from api.portfolios import repository as portfolios
from api.portfolios.schemas import Restatement
from api.reading import Answer

router = APIRouter(tags=["operations"])
probes = APIRouter(tags=["probes"])


@router.get("/publications", summary="Publications", response_model=Envelope[list[PublicationRow]])
def list_publications(reading: Answer) -> Response:
    """Every night that readers were shown, the newest first; their instants are what `known_at` is about."""
    rows, page = repository.publications(reading)
    return reading.answer(rows, PublicationRow, page)


@router.get("/restatements", summary="Restated figures", response_model=Envelope[list[Restatement]])
def list_restatements(
    reading: Answer,
    relation: Annotated[
        str | None, Query(description="fct_holdings or fct_portfolio_values_daily; both without it.")
    ] = None,
    valuation_date: Annotated[date | None, Query(description="Day the figure is about.")] = None,
) -> Response:
    """Published figures that a later fact changed: old, new, cause and the row that changed them."""
    rows, page = portfolios.restatements(reading, relation=relation, valuation_date=valuation_date)
    return reading.answer(rows, Restatement, page)


@router.get("/quality", summary="Results of checks", response_model=Envelope[list[Finding]])
def list_findings(
    reading: Answer,
    night: Annotated[str | None, Query(description="Night, such as 2013-02-28T0300Z.")] = None,
    status: Annotated[str | None, Query(description="passed, warned or failed.")] = None,
) -> Response:
    """Every check of every night; needs a key of scope analyst."""
    reading.require_analyst()
    rows, page = repository.findings(reading, night, status)
    return reading.answer(rows, Finding, page)


@router.get("/loads", summary="What was taken in", response_model=Envelope[list[Load]])
def list_loads(
    reading: Answer,
    night: Annotated[str | None, Query(description="Night, such as 2013-02-28T0300Z.")] = None,
    source: Annotated[str | None, Query(description="amfi, polygon, ecb or books.")] = None,
    status: Annotated[str | None, Query(description="running, loaded, held or failed.")] = None,
) -> Response:
    """Every attempt with its counts and reason; needs a key of scope analyst."""
    reading.require_analyst()
    rows, page = repository.loads(reading, night, source, status)
    return reading.answer(rows, Load, page)


@router.get("/freshness", summary="How old what is served is", response_model=Envelope[Freshness])
def get_freshness(reading: Answer) -> Response:
    """Age of the publication, and of the prices of each source on its valuation date."""
    published = repository.published(reading)
    answer = reading.answer_one(
        Freshness(
            night=reading.publication.night,
            valuation_date=reading.publication.valuation_date,
            published_at=published.published_at,
            age_seconds=published.age_seconds,
            sources=repository.sources(reading),
        ),
        reading.publication.valuation_date,
    )
    del answer.headers["etag"]  # it grows older between two publications
    answer.headers["cache-control"] = "no-store"
    return answer


@probes.get("/health", summary="The process answers")
def get_health() -> Health:
    """Live: needs neither key nor database."""
    return Health(status="ok")


@probes.get("/ready", summary="The database answers and something is published")
def get_ready(request: Request) -> Health:
    """Ready: 200 when answers can be given, else 503 with the reason."""
    database: Database = request.app.state.database
    with database.reader.connection() as connection:
        row = connection.execute("select exists (select 1 from marts.publications)").fetchone()
    if row is None or not row[0]:
        raise ApiError(503, "not_published", "No night has been published yet.", {"Retry-After": "60"})
    return Health(status="ready")
