"""Routes under /funds and /market."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api.answers import Envelope
from api.errors import not_found
from api.instruments import repository
from api.instruments.schemas import Candle, Fund, FundDetail, Instrument, InstrumentPrice, Price
from api.reading import Answer
from folio.store.candles import Resolution
from folio.store.influx import Influx

funds = APIRouter(prefix="/funds", tags=["funds"])
market = APIRouter(prefix="/market", tags=["market"])


def instrument_named(
    reading: Answer,
    instrument: Annotated[str, Path(description="Id, code, ticker, ISIN or AMFI code.", examples=["AAPL"])],
) -> Instrument:
    """The instrument of the path."""
    found = repository.instrument(reading, instrument)
    if found is None:
        raise not_found("instrument")
    return found


Named = Annotated[Instrument, Depends(instrument_named)]


@funds.get("", summary="Search funds", response_model=Envelope[list[Fund]])
def list_funds(
    reading: Answer,
    search: Annotated[
        str | None, Query(description="Words of a name, house, scheme code or ISIN.", max_length=200)
    ] = None,
) -> Response:
    """Funds that hold every word sought, by name."""
    rows, page = repository.funds(reading, search)
    return reading.answer(rows, Fund, page)


@funds.get("/{fund_id}", summary="A fund and its latest price", response_model=Envelope[FundDetail])
def get_fund(
    reading: Answer, fund_id: Annotated[str, Path(description="Instrument id, scheme code or ISIN.")]
) -> Response:
    """The scheme with its price on the latest day on or before `as_of`, where it is priced here."""
    found = repository.fund(reading, fund_id)
    if found is None:
        raise not_found("fund")
    latest = repository.latest_price(reading, found.instrument_id)
    return reading.answer_one(
        FundDetail(**found.model_dump(), latest=latest), latest.valuation_date if latest else None
    )


@market.get("/prices/{instrument}", summary="Latest price", response_model=Envelope[InstrumentPrice])
def get_price(instrument: Named, reading: Answer) -> Response:
    """Price on the latest day on or before `as_of`."""
    latest = repository.latest_price(reading, instrument.instrument_id)
    return reading.answer_one(
        InstrumentPrice(**instrument.model_dump(), latest=latest), latest.valuation_date if latest else None
    )


def history_bucket(request: Request) -> Influx | None:
    """InfluxDB's bucket of candles, where there is one."""
    bucket: Influx | None = request.app.state.influx
    return bucket


@market.get(
    "/history/{instrument}",
    summary="Price history",
    response_model=Envelope[list[Price]] | Envelope[list[Candle]],
)
def list_prices(
    instrument: Named,
    reading: Answer,
    bucket: Annotated[Influx | None, Depends(history_bucket)],
    start: Annotated[date | None, Query(alias="start_date", description="First day.")] = None,
    end: Annotated[date | None, Query(alias="end_date", description="Last day, included.")] = None,
    resolution: Annotated[
        Resolution | None,
        Query(description="Candles of a day or a minute, as sources say them up to now; else as published."),
    ] = None,
) -> Response:
    """Published unadjusted price of each calendar day held, or candles by `resolution`; the oldest first."""
    if resolution is None:
        rows, page = repository.prices(reading, instrument.instrument_id, start, end)
        return reading.answer(rows, Price, page)
    found, page = repository.candles(reading, bucket, instrument.instrument_id, resolution, start, end)
    return reading.without_tag().answer(found, Candle, page)
