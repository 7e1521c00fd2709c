"""Queries for publications, loads, findings and freshness."""

from api.answers import PageInfo
from api.operations.schemas import Finding, Load, PublicationRow, Published, SourceFreshness
from api.reading import Reading


def publications(reading: Reading) -> tuple[list[PublicationRow], PageInfo]:
    """Publications by the instant asked for, the newest first."""
    return reading.page_of(
        "select * from {publications} as published where instant <= %(instant)s order by ordinal desc",
        PublicationRow,
        instant=reading.publication.instant,
    )


def loads(
    reading: Reading, night: str | None, source: str | None, status: str | None
) -> tuple[list[Load], PageInfo]:
    """Attempts to take something in, the newest first."""
    return reading.page_of(
        """
        select * from {fct_loads} as loads
        where (%(night)s::text is null or night = %(night)s)
              and (%(source)s::text is null or source = %(source)s)
              and (%(status)s::text is null or status = %(status)s)
        order by night desc nulls last, source, dataset, slot, attempt
        """,
        Load,
        night=night,
        source=source,
        status=status,
    )


def findings(reading: Reading, night: str | None, status: str | None) -> tuple[list[Finding], PageInfo]:
    """Results of checks, the newest night first."""
    return reading.page_of(
        """
        select * from {fct_data_quality} as findings
        where (%(night)s::text is null or night = %(night)s)
              and (%(status)s::text is null or status = %(status)s)
        order by night desc, suite, check_name, subject
        """,
        Finding,
        night=night,
        status=status,
    )


def published(reading: Reading) -> Published:
    """When the publication that answers was made, and how long ago."""
    return reading.rows(
        """
        select published_at, extract(epoch from clock_timestamp() - published_at)::bigint as age_seconds
        from {publications} as published where publication_id = %(publication_id)s
        """,
        Published,
        publication_id=reading.publication.publication_id,
    )[0]


def sources(reading: Reading) -> list[SourceFreshness]:
    """Age of prices by source on the publication's valuation date."""
    return reading.rows(
        """
        select price_source, count(*) as instruments, count(*) filter (where price_local is null) as missing,
               count(*) filter (where days_carried > 0 and price_local is not null) as carried,
               max(price_date) as newest_price_date, min(price_date) as oldest_price_date
        from {fct_prices_daily} as prices where valuation_date = %(day)s
        group by price_source order by price_source
        """,
        SourceFreshness,
        day=reading.publication.valuation_date,
    )
