"""One HTTP policy for all providers: what is asked again, what is refused, and when one is left in peace."""

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from folio.errors import SourceError
from folio.settings import Settings
from folio.sources.manners import Breaker, NoBreaker, NotAskedError, RateLimit
from folio.sources.payloads import Payload

log = logging.getLogger(__name__)
logging.getLogger("urllib3").setLevel(logging.ERROR)  # below that it logs addresses whole, keys and all

AS_OF_HEADER = "Folio-As-Of"
"""Asks a sandbox to answer as it would have at an instant."""

RECORDED_AT_HEADER = "Folio-Recorded-At"
"""Says when a sandbox's answer was recorded."""

RETRY_AFTER_CAP_SECONDS = 60.0
"""A provider may ask for more, but a night does not wait so long: it is left in peace and the load fails."""

BACKOFF_CAP_SECONDS = 30.0
CHUNK_BYTES = 1 << 16
WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
SECRET_PARAMETERS = frozenset({"apikey", "api_key", "key", "token", "access_token", "secret", "signature"})
SHORTEST_SECRET = 6
"""A shorter header value is no secret; taking it out of a message would only garble the message."""

HTML = re.compile(
    rb"\A\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|script|meta)\b", re.IGNORECASE
)
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class UnusableAnswerError(SourceError):
    """A provider answered, but not with what was asked for; `payload` keeps what came."""

    def __init__(self, message: str, payload: Payload) -> None:
        super().__init__(message)
        self.payload = payload


class RefusedError(UnusableAnswerError):
    """The provider is there and says no to this one question: a status 4xx."""


class _AgainError(Exception):
    """An answer or a transport fault that may pass; carries the fault to raise when it does not."""

    def __init__(self, fault: SourceError, retry_after: float | None = None) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.retry_after = retry_after
        self.attempts = 1


@dataclass(frozen=True)
class _Question:
    """One request, the same at every attempt."""

    method: Literal["GET", "POST"]
    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)


class ProviderSession:
    """HTTP to one provider: questions below one base URL, with the shared policy.

    A POST is a question too (JSON-RPC, signed reads), so it is tried again like a GET.

    429, 5xx, timeouts and broken transfers are tried again with exponential backoff and jitter, or after the
    pause the provider asks for (capped). Any redirect, HTML, an empty or one-byte body, a body above the
    size limit and any other status are refused. TLS certificates are verified. A key travels in a header,
    and neither it, nor other headers, nor secret query parameters, nor the path of the base URL (which may
    hold a key) ever stand in a message.

    Parameters
    ----------
    provider : name in messages.
    key_in : how the key travels: `bearer`, the name of the header that carries it, or `query:` and the name
        of the parameter that does.
    as_of : in recorded mode the instant at which the sandbox is to answer.
    breaker, limit : what all processes know of the provider (see `manners`); without them it is always asked.
    sleep, clock : replaced in tests that must not wait.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        settings: Settings,
        *,
        key: str | None = None,
        key_in: str = "bearer",
        as_of: datetime | None = None,
        breaker: Breaker | None = None,
        limit: RateLimit | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self._settings = settings
        self._key = key
        self._as_of = as_of
        self._breaker = breaker or NoBreaker()
        self._limit = limit
        self.not_asked: str | None = None
        """Why the provider was last left in peace, where it was."""
        self._sleep = sleep
        self._clock = clock
        self._http = requests.Session()
        self._http.auth = _keep_headers  # else a .netrc entry would replace the Authorization header
        self._http.headers["User-Agent"] = "folio"
        self._http.headers["Accept-Encoding"] = "gzip, deflate"
        if key and key_in == "bearer":
            self._http.headers["Authorization"] = f"Bearer {key}"
        elif key and not key_in.startswith("query:"):
            self._http.headers[key_in] = key
        self._http.params = (
            {key_in.removeprefix("query:"): key} if key and key_in.startswith("query:") else {}
        )
        if settings.recorded and as_of is not None:
            self._http.headers[AS_OF_HEADER] = as_of.astimezone(UTC).isoformat()

    def get(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Payload:
        """Fetch a path below the base URL, or an absolute URL on the same host such as a next page.

        Raises
        ------
        UnusableAnswerError
            An answer came that is not a payload: status, redirect, HTML, too short.
        SourceError
            No answer came, it was too large, or the provider is left in peace for now.
        """
        return self._ask(_Question("GET", self._absolute(path, parameters), headers=headers))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Payload:
        """Put a question in a body, as JSON unless the headers name another type; raises as `get` does.

        Only for what changes nothing at the provider: it is asked again like a GET.
        """
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._ask(_Question("POST", self._absolute(path, None), body, sent))

    def shown(self, path: str = "") -> str:
        """Address of a path or URL as messages and `raw.loads.request` may show it: without secrets."""
        return self._without_secrets(self._absolute(path, None))

    def _without_secrets(self, url: str) -> str:
        """URL without secret parameters and without the path of the base URL."""
        parts, hidden = urlsplit(redact(url)), urlsplit(self.base_url).path
        return urlunsplit(parts._replace(path=parts.path.replace(hidden, "/***"))) if hidden else redact(url)

    def _ask(self, question: "_Question") -> Payload:
        """The answer to a question, or its last fault, after as many attempts as the settings allow.

        The breaker counts questions that had no answer: whoever asks the provider anything now would fare
        alike. A refusal (status 4xx) is an answer, about one question or one key, so it closes the breaker.
        """
        try:
            self._breaker.check()
            payload = self._with_retries(question)
        except NotAskedError as fault:
            self.not_asked = str(fault)
            log.warning("%s", fault)
            raise
        except RefusedError:
            self._breaker.succeeded()
            raise
        except _AgainError as last:
            raise self._given_up(last) from None
        except SourceError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return payload

    def _given_up(self, last: _AgainError) -> SourceError:
        """Fault of the last attempt, which says how many there were or how long to leave the provider."""
        if _is_too_long(last.retry_after):
            until = self._breaker.leave_in_peace(last.retry_after or 0.0)
            said = f"; it may be asked again from {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            self.not_asked = f"{last.fault}{said}"
        else:
            self._breaker.failed()
            said = f" (after {last.attempts} attempt{'s' if last.attempts > 1 else ''})"
        last.fault.args = (f"{last.fault}{said}",)
        return last.fault

    def close(self) -> None:
        """Close the connections kept alive."""
        self._http.close()

    def __enter__(self) -> "ProviderSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _absolute(self, path: str, parameters: Mapping[str, str] | None) -> str:
        """URL to fetch; SourceError where it leads to another host or from https to http."""
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"
        wanted, base = urlsplit(url), urlsplit(self.base_url)
        if (wanted.scheme, wanted.netloc) != (base.scheme, base.netloc):
            raise SourceError(
                f"{self.provider}: refused to ask {self._without_secrets(url)}: "
                f"not on {redact(f'{base.scheme}://{base.netloc}')}"
            )
        return f"{url}{'&' if wanted.query else '?'}{urlencode(parameters)}" if parameters else url

    def _with_retries(self, question: "_Question") -> Payload:
        """The answer to a question after one attempt or several; _AgainError when the last failed too."""
        retrying = Retrying(
            retry=retry_if_exception(_is_worth_another_try),
            stop=stop_after_attempt(self._settings.http_attempts),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, question)
        except _AgainError as last:
            last.attempts = retrying.statistics["attempt_number"]
            raise

    def _pause(self, state: RetryCallState) -> float:
        """Seconds before the next attempt."""
        fault = state.outcome.exception() if state.outcome else None
        if isinstance(fault, _AgainError) and fault.retry_after is not None:
            return max(fault.retry_after, 0.0)
        backoff = self._settings.http_backoff_seconds * 2 ** (state.attempt_number - 1)
        return float(min(backoff, BACKOFF_CAP_SECONDS) * random.uniform(0.5, 1.5))

    def _once(self, question: "_Question") -> Payload:
        """One attempt at a question, when it has its turn."""
        if self._limit and (seconds := self._limit.turn()) > 0:
            self._sleep(seconds)
        shown = self.shown(question.url)
        where = f"{self.provider}: {shown}"
        timeout = self._settings.http_timeout_seconds
        started = self._clock()
        try:
            with self._http.request(
                question.method,
                question.url,
                data=question.body,
                headers=question.headers,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = self._read(answer, where, started + timeout)
        except requests.exceptions.SSLError as fault:
            raise SourceError(f"{where}: the TLS certificate was refused: {_kind(fault)}") from None
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            raise _AgainError(SourceError(f"{where}: no whole answer within {timeout:g} s")) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as fault:
            raise _AgainError(SourceError(f"{where}: the transfer broke: {_kind(fault)}")) from None
        payload = Payload(body, self._observed_at(answer, where), shown)
        status = answer.status_code
        if status in WORTH_ANOTHER_TRY:
            unusable = UnusableAnswerError(f"{where}: HTTP {status}, {self._said(question, body)}", payload)
            raise _AgainError(unusable, _retry_after(answer.headers.get("Retry-After")))
        if 300 <= status < 400:
            target = self._without_secrets(answer.headers.get("Location", "nowhere"))
            raise UnusableAnswerError(
                f"{where}: HTTP {status}, a redirect to {target}, not followed", payload
            )
        if status != 200:
            refused = RefusedError if 400 <= status < 500 else UnusableAnswerError
            raise refused(f"{where}: HTTP {status}, {self._said(question, body)}", payload)
        if len(body.strip()) <= 1 or HTML.match(body):
            raise UnusableAnswerError(
                f"{where}: HTTP 200, but {self._said(question, body)}, not data", payload
            )
        return payload

    def _read(self, answer: requests.Response, where: str, deadline: float) -> bytes:
        """Body of an answer, read in pieces so that size and time are bounded whatever the server does."""
        limit = self._settings.max_payload_bytes
        announced = answer.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limit:
            raise SourceError(f"{where}: {announced} bytes announced, more than the {limit} allowed")
        body = bytearray()
        while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > limit:
                raise SourceError(f"{where}: more than the {limit} bytes allowed")
            if self._clock() > deadline:
                raise TimeoutError
        return bytes(body)

    def _observed_at(self, answer: requests.Response, where: str) -> datetime:
        """When the payload was seen: now, or in recorded mode when it was recorded."""
        recorded = answer.headers.get(RECORDED_AT_HEADER) if self._settings.recorded else None
        if recorded is None:
            return datetime.now(UTC)
        try:
            instant = datetime.fromisoformat(recorded)
        except ValueError:
            raise SourceError(f"{where}: {RECORDED_AT_HEADER} is no instant: {recorded!r}") from None
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant

    def _said(self, question: "_Question", body: bytes) -> str:
        """What came, in a few words without secrets."""
        if not body.strip():
            return "an empty body" if not body else f"{len(body)} bytes of white space"
        text = body[:4000].decode("utf-8", "replace")
        for secret in (self._key, urlsplit(self.base_url).path, *(question.headers or {}).values()):
            if secret and len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        if HTML.match(body):
            title = TITLE.search(text)
            return f"an HTML page{f' titled {_short(title[1])!r}' if title else ''}"
        if len(body.strip()) == 1:
            return f"one byte ({body.strip()!r})"
        return f"saying {_short(text)!r}"


def redact(url: str) -> str:
    """URL without user, password and the values of secret query parameters."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    query = urlencode(
        [
            (name, "***" if name.lower() in SECRET_PARAMETERS else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*/:",
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that adds nothing to the request's own headers."""
    return request


def _is_worth_another_try(fault: BaseException) -> bool:
    """Whether a fault may have passed by the time a night can wait for."""
    return isinstance(fault, _AgainError) and not _is_too_long(fault.retry_after)


def _is_too_long(retry_after: float | None) -> bool:
    """Whether a provider asks for a longer pause than a night waits."""
    return retry_after is not None and retry_after > RETRY_AFTER_CAP_SECONDS


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as seconds or as a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (until - datetime.now(until.tzinfo)).total_seconds()


def _kind(fault: BaseException) -> str:
    """Name of a transport fault; its text may hold a URL with a key, so it is left out."""
    return type(fault).__name__


def _short(text: str) -> str:
    """Text on one line, cut to a readable length."""
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}..."
