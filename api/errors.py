"""One shape for every error: problem+json (RFC 9457) with a code that programs can tell apart."""

import logging

import psycopg
import psycopg_pool
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from folio.errors import FolioError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ApiError(Exception):
    """An error that knows its status, its code and what to tell."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}


class NotModified(Exception):
    """The caller already has this answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers


def not_found(what: str) -> ApiError:
    """The same 404 for what does not exist and for what the key may not see."""
    return ApiError(404, "not_found", f"There is no such {what}, or this key may not see it.")


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Error as problem+json."""
    return JSONResponse(
        {
            "type": f"urn:folio:problem:{code}",
            "title": TITLES.get(code, code),
            "status": status,
            "code": code,
            "detail": detail,
        },
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


TITLES = {
    "key_required": "A key is required",
    "key_invalid": "The key is not valid",
    "scope_too_small": "The key's scope does not reach this",
    "not_found": "Not found",
    "nothing_known_then": "Nothing was published by then",
    "not_published": "Nothing is published yet",
    "not_acceptable": "This form cannot be given",
    "invalid_request": "The request cannot be understood",
    "method_not_allowed": "Only GET is offered",
    "database_unavailable": "The database does not answer",
    "too_slow": "The answer took too long",
    "internal_error": "Something broke here",
}


def install(app: FastAPI) -> None:
    """Turn every error of an app into this shape."""

    @app.exception_handler(ApiError)
    def _api_error(request: Request, error: ApiError) -> Response:
        return problem(error.status, error.code, error.detail, error.headers)

    @app.exception_handler(NotModified)
    def _not_modified(request: Request, error: NotModified) -> Response:
        return Response(status_code=304, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        told = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
        )
        return problem(422, "invalid_request", told)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
        return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(psycopg.errors.UndefinedTable)
    def _not_published(request: Request, error: psycopg.errors.UndefinedTable) -> Response:
        return problem(
            503, "not_published", "What was asked for has not been published yet.", {"Retry-After": "60"}
        )

    @app.exception_handler(psycopg.DataError)
    def _not_data(request: Request, error: psycopg.DataError) -> Response:
        return problem(422, "invalid_request", "A value holds a character or a number that cannot be stored.")

    @app.exception_handler(psycopg.errors.QueryCanceled)
    def _too_slow(request: Request, error: psycopg.errors.QueryCanceled) -> Response:
        return problem(503, "too_slow", "Ask for fewer days or a smaller page.", {"Retry-After": "5"})

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(psycopg_pool.PoolTimeout)
    @app.exception_handler(FolioError)
    def _unavailable(request: Request, error: Exception) -> Response:
        log.error("the database does not answer: %s", error)
        return problem(503, "database_unavailable", "Try again shortly.", {"Retry-After": "5"})

    @app.exception_handler(Exception)
    def _broken(request: Request, error: Exception) -> Response:
        log.exception("request failed", exc_info=error)
        return problem(500, "internal_error", "The request failed; it was logged.")
