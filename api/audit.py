"""Records every request with its key and its end, by a role that can do nothing else."""

import logging
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

PROBES = frozenset({"/health", "/ready", "/api/v1/health", "/api/v1/ready"})


class Audit:
    """ASGI middleware: one row in access.requests per request, probes left out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record how it ended."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            await run_in_threadpool(
                self._record,
                scope["app"].state.database,
                state.get("key_id"),
                scope["method"],
                scope["path"],
                status,
            )

    @staticmethod
    def _record(database: Any, key_id: Any, method: str, path: str, status: int) -> None:
        try:
            database.record(key_id, method, path[:500], status)
        except Exception:  # the answer is already out: what could not be kept is logged
            log.exception("a request could not be recorded: %s %s -> %s by %s", method, path, status, key_id)
