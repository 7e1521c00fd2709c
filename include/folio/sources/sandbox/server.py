"""The sandbox's HTTP server: the providers' addresses on loopback, with faults to switch."""

import base64
import io
import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from folio.errors import ServiceError
from folio.sources.sandbox import shares
from folio.sources.sandbox.answers import Answer, Archive, zipped
from folio.sources.sandbox.coins import CoinData
from folio.sources.sandbox.demo import DemoData
from folio.sources.sandbox.faults import Fault, Faults
from folio.sources.sandbox.recordings import Recordings
from folio.sources.session import AS_OF_HEADER, RECORDED_AT_HEADER

NAVALL = "/spages/NAVAll.txt"
HISTORY_REPORT = "/DownloadNAVHistoryReport_Po.aspx"
BARS = "/v2/aggs/grouped/locale/us/market/stocks/"
SPLITS = "/v3/reference/splits"
RATES = "/stats/eurofxref/"
HEALTH, FAULTS = "/_health", "/_faults"

JSON, TEXT, HTML, CSV, ZIP = (
    "application/json",
    "text/plain; charset=utf-8",
    "text/html",
    "text/csv",
    "application/zip",
)
HTML_PAGE = b"<html>\r\n<head><title>%s</title></head>\r\n<body><h1>%s</h1></body>\r\n</html>\r\n"
ELSEWHERE = "http://elsewhere.invalid/login"
PRICE_OF_A_COIN = b'{"bitcoin":{"usd":31.1,"last_updated_at":1361923200}}'
TWO_RATES = b"Date,USD,JPY\n2013-02-26,1.3077,120.38\n"
"""Valid answers of providers that were not asked."""

SPLITS_PER_PAGE = 1000


class Sandbox:
    """A running sandbox; `with Sandbox(folders) as sandbox:` starts and stops it.

    Parameters
    ----------
    folders : a folder of demo data (it holds navs.csv or prices.csv), or folders of recorded payloads.
    port : 0 takes a free one.
    faults_file : JSON list of faults, read again whenever it changes.
    """

    def __init__(
        self, folders: Sequence[Path] | Path, port: int = 0, faults_file: Path | None = None
    ) -> None:
        chosen = [folders] if isinstance(folders, Path) else list(folders)
        self.faults = Faults(faults_file)
        self.archive = _archive(chosen)
        self.coins = CoinData(chosen[0])
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        """Path with query, and headers, of every request answered, in order."""
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler, self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base URL of every provider."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer until `stop` is called from another thread or a signal handler."""
        self._server.serve_forever(poll_interval=0.1)

    def start(self) -> None:
        """Answer in a thread of its own."""
        self._thread = threading.Thread(target=self.serve, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, ending stalls."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """Threaded server that knows its sandbox."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type["_Handler"], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as the fault tests make it, is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer as a provider, or as the fault switched on for the path."""
        parts = urlsplit(self.path)
        sandbox = self.server.sandbox
        if parts.path == HEALTH:
            self._send(200, JSON, b'{"status":"ok"}')
            return
        if parts.path == FAULTS:
            self._send(200, JSON, sandbox.faults.as_json().encode())
            return
        self._provide()

    def _provide(self, body: bytes = b"") -> None:
        """Answer a provider's question; `body` is what a POST asks."""
        parts = urlsplit(self.path)
        sandbox = self.server.sandbox
        sandbox.requests.append((self.path, dict(self.headers)))
        try:
            as_of = _instant(self.headers.get(AS_OF_HEADER))
            answer = self._answer(parts.path, dict(parse_qsl(parts.query)), as_of, body)
        except ValueError as wrong:
            self._send(400, TEXT, str(wrong).encode())
            return
        fault = sandbox.faults.next_for(parts.path, as_of.isoformat() if as_of else "")
        if fault and fault.kind == "other_day":
            path, instant = _the_day_before(parts.path, as_of)
            self._send_answer(self._answer(path, dict(parse_qsl(parts.query)), instant, body))
        elif fault:
            self._fail(fault, answer)
        else:
            self._send_answer(answer)

    def do_POST(self) -> None:
        """Answer as a provider; at /_faults, switch on a fault, or a list of them, given as JSON."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if urlsplit(self.path).path != FAULTS:
            self._provide(body)
            return
        try:
            values = json.loads(body)
            for value in values if isinstance(values, list) else [values]:
                self.server.sandbox.faults.switch_on(Fault.read(value))
        except (ValueError, ServiceError) as wrong:
            self._send(400, TEXT, str(wrong).encode())
            return
        self._send(200, JSON, self.server.sandbox.faults.as_json().encode())

    def do_DELETE(self) -> None:
        """Switch off all faults."""
        if urlsplit(self.path).path == FAULTS:
            self.server.sandbox.faults.switch_off()
        self._send(200, JSON, b"[]")

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in `Sandbox.requests`; the log stays quiet."""

    def _answer(
        self, path: str, query: Mapping[str, str], as_of: datetime | None, body: bytes = b""
    ) -> Answer:
        """What the provider of a path says; `body` is what a POST asks."""
        archive = self.server.sandbox.archive
        recorded_at = archive.recorded_at(as_of)
        nothing = Answer(404, HTML, HTML_PAGE % (b"404 Not Found", b"404 Not Found"), recorded_at)
        if path == NAVALL:
            return archive.navs(as_of) or nothing
        if path == HISTORY_REPORT:
            first, last = (
                datetime.strptime(query.get(end, ""), "%d-%b-%Y").date() for end in ("frmdt", "todt")
            )
            return archive.nav_history(first, last, as_of) or nothing
        if path.startswith((BARS, SPLITS)):
            if not self.headers.get("Authorization", "").startswith("Bearer ") and not query.get("apiKey"):
                return _complaint(401, "ERROR", "error", "API Key was not provided", recorded_at)
            if path.startswith(BARS):
                return _bars(archive, date.fromisoformat(path.removeprefix(BARS)), as_of)
            return _splits(archive, query, as_of, f"http://{self.headers.get('Host')}")
        if path.startswith(RATES):
            return _rates(archive, path.removeprefix(RATES), as_of) or nothing
        is_keyed = self.headers.get("Authorization", "").startswith("Bearer ")
        share = shares.answer(archive, shares.Question(path, query, is_keyed, as_of))
        if share is not None:
            return share
        return self.server.sandbox.coins.answer(path, query, body, as_of) or nothing

    def _fail(self, fault: Fault, answer: Answer) -> None:
        """Do what the fault says in place of the answer."""
        again = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        match fault.kind:
            case "429":
                body = b'{"status":"ERROR","error":"You\'ve exceeded the maximum requests per minute"}'
                self._send(429, JSON, body, again)
            case "500" | "503":
                self._send(int(fault.kind), HTML, HTML_PAGE % (fault.kind.encode(), b"Server error"), again)
            case "403":
                self._send(403, JSON, b'{"status":"NOT_AUTHORIZED","message":"Please upgrade your plan"}')
            case "stall":
                self.server.sandbox.stopping.wait(fault.seconds)
                self.close_connection = True
            case "cut":
                self._send(answer.status, answer.content_type, answer.body, sent=len(answer.body) // 2)
                self.close_connection = True
            case "html":
                self._send(200, HTML, HTML_PAGE % (b"Maintenance", b"We are back soon"))
            case "html_404":
                self._send(404, HTML, HTML_PAGE % (b"404 Not Found", b"404 Not Found"))
            case "redirect":
                self._send(302, HTML, HTML_PAGE % (b"Moved", b"Moved"), {"Location": ELSEWHERE})
            case "one_byte":
                self._send(200, answer.content_type, b"0")
            case "empty":
                self._send(200, answer.content_type, b"")
            case "truncated":
                self._send(answer.status, answer.content_type, answer.body[: len(answer.body) // 2])
            case "other_provider":
                self._send(200, JSON, PRICE_OF_A_COIN if answer.content_type != JSON else TWO_RATES)
            case "no_rows":
                self._send(answer.status, answer.content_type, _without_rows(answer))
            case "error_status":
                self._send(200, JSON, b'{"status":"ERROR","error":"Internal trouble","results":[]}')

    def _send_answer(self, answer: Answer) -> None:
        """Send an answer with its recorded time."""
        recorded = {RECORDED_AT_HEADER: answer.recorded_at.astimezone(UTC).isoformat()}
        self._send(answer.status, answer.content_type, answer.body, {**recorded, **answer.headers})

    def _send(
        self,
        status: int,
        content_type: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        sent: int | None = None,
    ) -> None:
        """Send status, headers and body, or only the first `sent` bytes of it."""
        self.send_response(status)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        if RECORDED_AT_HEADER not in (headers or {}):
            as_of = self.headers.get(AS_OF_HEADER)
            self.send_header(RECORDED_AT_HEADER, as_of or datetime.now(UTC).isoformat())
        self.end_headers()
        self.wfile.write(body[:sent])


def _archive(folders: Sequence[Path]) -> Archive:
    """Demo data or recordings, by what the folders hold."""
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing or not folders:
        raise ServiceError(
            f"the sandbox has no folder to answer from: {', '.join(map(str, missing)) or 'none given'}"
        )
    if any((folders[0] / name).exists() for name in ("navs.csv", "prices.csv")):
        return DemoData(folders[0])
    return Recordings(tuple(folders))


def _bars(archive: Archive, day: date, as_of: datetime | None) -> Answer:
    """Polygon's grouped daily bars."""
    recorded_at = archive.recorded_at(as_of)
    bars = archive.bars(day, as_of)
    if bars is None:
        return _complaint(
            403,
            "NOT_AUTHORIZED",
            "message",
            "Attempted to request today's data before end of day.",
            recorded_at,
        )
    body = (
        f'{{"queryCount":{len(bars)},"resultsCount":{len(bars)},"adjusted":false,'
        f'"results":[{",".join(bars)}],"status":"OK","request_id":"sandbox","count":{len(bars)}}}'
    )
    return Answer(200, JSON, body.encode(), recorded_at)


def _splits(archive: Archive, query: Mapping[str, str], as_of: datetime | None, base: str) -> Answer:
    """One page of Polygon's splits; the cursor carries the question on."""
    asked = {**query}
    if "cursor" in asked:
        asked = dict(parse_qsl(base64.urlsafe_b64decode(asked["cursor"]).decode()))
    first = date.fromisoformat(asked.get("execution_date.gte", date.min.isoformat()))
    last = date.fromisoformat(asked.get("execution_date.lte", date.max.isoformat()))
    offset, limit = int(asked.get("offset", "0")), min(int(asked.get("limit", "10")), SPLITS_PER_PAGE)
    rows = [row for row in archive.splits(as_of) if first <= row.execution_date <= last]
    results = ",".join(
        f'{{"execution_date":"{row.execution_date}","split_from":{row.split_from},'
        f'"split_to":{row.split_to},"ticker":"{row.ticker}"}}'
        for row in rows[offset : offset + limit]
    )
    following = ""
    if offset + limit < len(rows):
        question = urlencode(
            {**{k: v for k, v in asked.items() if k != "apiKey"}, "offset": str(offset + limit)}
        )
        cursor = base64.urlsafe_b64encode(question.encode()).decode()
        following = f',"next_url":"{base}{SPLITS}?cursor={cursor}"'
    body = f'{{"results":[{results}],"status":"OK","request_id":"sandbox"{following}}}'
    return Answer(200, JSON, body.encode(), archive.recorded_at(as_of))


def _rates(archive: Archive, name: str, as_of: datetime | None) -> Answer | None:
    """The ECB's files: history or the newest day, as CSV or zipped."""
    stem, _, extension = name.partition(".")
    known = archive.rates(as_of)
    if known is None or stem not in ("eurofxref", "eurofxref-hist") or extension not in ("csv", "zip"):
        return None
    header, lines = known
    text = "\n".join([header, *(lines if stem == "eurofxref-hist" else lines[:1])]) + "\n"
    recorded_at = archive.recorded_at(as_of)
    if extension == "csv":
        return Answer(200, CSV, text.encode(), recorded_at)
    return Answer(200, ZIP, zipped(f"{stem}.csv", text), recorded_at)


def _complaint(status: int, code: str, name: str, text: str, recorded_at: datetime) -> Answer:
    """How Polygon says no."""
    return Answer(
        status, JSON, json.dumps({"status": code, "request_id": "sandbox", name: text}).encode(), recorded_at
    )


def _the_day_before(path: str, as_of: datetime | None) -> tuple[str, datetime]:
    """A question, asked about the weekday before."""
    instant = (as_of or datetime.now(UTC)) - timedelta(days=1)
    if not path.startswith(BARS):
        return path, instant
    day = date.fromisoformat(path.removeprefix(BARS))
    return f"{BARS}{day - timedelta(days=3 if day.weekday() == 0 else 1)}", instant


def _without_rows(answer: Answer) -> bytes:
    """An answer's body with nothing in it: its empty list, or its header alone."""
    if answer.content_type == ZIP:
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            [name] = archive.namelist()
            return zipped(name, archive.read(name).decode().partition("\n")[0] + "\n")
    if answer.content_type != JSON:
        return answer.body.partition(b"\n")[0] + b"\n"
    return json.dumps(_emptied(json.loads(answer.body))).encode()


def _emptied(value: object, name: str = "") -> object:
    """A JSON value with its lists and its tables by day or id emptied, and its counts at zero."""
    if isinstance(value, list):
        return []
    if isinstance(value, dict):
        is_table = name not in ("", "chart", "result") and all(
            isinstance(one, dict) for one in value.values()
        )
        return {} if is_table else {key: _emptied(one, key) for key, one in value.items()}
    return 0 if name.lower().endswith("count") and isinstance(value, int) else value


def _instant(text: str | None) -> datetime | None:
    """Aware instant of the as-of header."""
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
