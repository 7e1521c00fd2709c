"""The API's app: `uvicorn api.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api import errors
from api.accounts import router as accounts
from api.audit import Audit
from api.database import Database
from api.instruments import router as instruments
from api.operations import router as operations
from api.portfolios import router as portfolios
from folio.settings import settings
from folio.store.influx import Influx

DESCRIPTION = """
Published figures of the accounts a key may see. Every answer is read in one transaction from one publication,
which it names. `as_of` asks for an earlier day; `known_at` asks for what was published by an instant, before
later facts restated it. Amounts, units and rates are decimals, given as strings. Lists come as JSON or, by
`Accept: text/csv`, as CSV. Errors are problem+json with a `code`.
"""
PREFIX = "/api/v1"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.database = Database()
    app.state.influx = Influx.of(settings())
    yield
    if app.state.influx is not None:
        app.state.influx.close()
    await run_in_threadpool(app.state.database.close)


def create_app() -> FastAPI:
    """A new app; its pools open with the first request."""
    made = FastAPI(title="Folio", version="1", description=DESCRIPTION, lifespan=_lifespan)
    errors.install(made)
    made.add_middleware(Audit)
    for router in (
        portfolios.router,
        accounts.router,
        instruments.funds,
        instruments.market,
        operations.router,
    ):
        made.include_router(router, prefix=PREFIX, responses=PROBLEMS)
    made.include_router(operations.probes, prefix=PREFIX)
    made.include_router(operations.probes, include_in_schema=False)
    return made


PROBLEMS: dict[int | str, dict[str, object]] = {
    304: {"description": "The caller's ETag is that of the answer."},
    401: {"description": "No key, or one that is not valid.", "content": {errors.MEDIA_TYPE: {}}},
    403: {"description": "The key's scope does not reach this.", "content": {errors.MEDIA_TYPE: {}}},
    404: {"description": "Absent, or hidden from this key.", "content": {errors.MEDIA_TYPE: {}}},
    406: {"description": "A form that is not offered.", "content": {errors.MEDIA_TYPE: {}}},
    503: {"description": "Nothing published yet, or no database.", "content": {errors.MEDIA_TYPE: {}}},
}

app = create_app()
