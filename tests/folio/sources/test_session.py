"""The HTTP policy against a real server that misbehaves in each known way."""

import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from folio.errors import SourceError
from folio.settings import Settings
from folio.sources.manners import DatabaseBreaker
from folio.sources.sandbox import Fault, Sandbox
from folio.sources.session import (
    RETRY_AFTER_CAP_SECONDS,
    ProviderSession,
    UnusableAnswerError,
    redact,
)
from folio.store import warehouse as warehouse_module

NAVALL = "/spages/NAVAll.txt"
KEY = "s3cret"
SIGNATURE = "c2lnbmVk"
NOON = datetime(2013, 2, 28, 12, tzinfo=UTC)


@pytest.fixture
def sandbox(demo_folder: Path) -> Iterator[Sandbox]:
    with Sandbox(demo_folder) as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def http(sandbox: Sandbox, quick: Settings, pauses: list[float]) -> Iterator[ProviderSession]:
    with ProviderSession("amfi", sandbox.url, quick, key=KEY, as_of=NOON, sleep=pauses.append) as session:
        yield session


def test_an_answer_comes_with_the_instant_at_which_it_was_recorded(
    sandbox: Sandbox, http: ProviderSession
) -> None:
    payload = http.get(NAVALL)
    assert payload.body.startswith(b"Scheme Code;")
    assert payload.observed_at == NOON
    [(path, headers)] = sandbox.requests
    assert path == NAVALL
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_outside_recorded_mode_an_answer_is_observed_now(sandbox: Sandbox, quick: Settings) -> None:
    live = quick.model_copy(update={"recorded": False})
    before = datetime.now(UTC)
    with ProviderSession("amfi", sandbox.url, live, as_of=NOON) as http:
        assert before <= http.get(NAVALL).observed_at <= datetime.now(UTC)
    assert "Folio-As-Of" not in sandbox.requests[0][1]


@pytest.mark.parametrize("kind", ["429", "500", "503", "cut"])
def test_a_fault_that_passes_is_asked_again(sandbox: Sandbox, http: ProviderSession, kind: str) -> None:
    sandbox.faults.switch_on(Fault("/", kind, times=2))  # type: ignore[arg-type]
    assert http.get(NAVALL).body.startswith(b"Scheme Code;")
    assert len(sandbox.requests) == 3


def test_a_fault_that_stays_fails_after_the_attempts_allowed(sandbox: Sandbox, http: ProviderSession) -> None:
    sandbox.faults.switch_on(Fault("/", "500"))
    with pytest.raises(
        SourceError, match=r"amfi: .*NAVAll\.txt: HTTP 500, an HTML page.*\(after 3 attempts\)"
    ):
        http.get(NAVALL)
    assert len(sandbox.requests) == 3


def test_a_pause_asked_for_is_kept_and_a_long_one_ends_the_question(
    sandbox: Sandbox, http: ProviderSession, pauses: list[float]
) -> None:
    sandbox.faults.switch_on(Fault("/", "429", times=1, retry_after=7))
    sandbox.faults.switch_on(Fault("/", "429", times=1, retry_after=RETRY_AFTER_CAP_SECONDS + 1))
    with pytest.raises(SourceError, match=r"HTTP 429, .*; it may be asked again from .* UTC"):
        http.get(NAVALL)
    assert pauses == pytest.approx([7])
    assert len(sandbox.requests) == 2


def test_pauses_double_and_jitter(sandbox: Sandbox, quick: Settings, pauses: list[float]) -> None:
    patient = quick.model_copy(update={"http_backoff_seconds": 1.0, "http_attempts": 4})
    sandbox.faults.switch_on(Fault("/", "500", times=3))
    with ProviderSession("amfi", sandbox.url, patient, sleep=pauses.append) as http:
        http.get(NAVALL)
    assert [0.5 * 2**n <= pause <= 1.5 * 2**n for n, pause in enumerate(pauses)] == [True] * 3


def test_a_stalled_answer_ends_at_the_time_allowed(sandbox: Sandbox, quick: Settings) -> None:
    hasty = quick.model_copy(update={"http_timeout_seconds": 0.2, "http_attempts": 1})
    sandbox.faults.switch_on(Fault("/", "stall"))
    with (
        ProviderSession("amfi", sandbox.url, hasty) as http,
        pytest.raises(SourceError, match=r"no whole answer within 0\.2 s \(after 1 attempt\)"),
    ):
        http.get(NAVALL)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("html", r"HTTP 200, but an HTML page titled 'Maintenance', not data"),
        ("html_404", r"HTTP 404, an HTML page titled '404 Not Found'"),
        ("redirect", r"HTTP 302, a redirect to http://elsewhere\.invalid/login, not followed"),
        ("one_byte", r"HTTP 200, but one byte \(b'0'\), not data"),
        ("empty", r"HTTP 200, but an empty body, not data"),
        ("403", r"HTTP 403, saying .*upgrade your plan"),
    ],
)
def test_what_is_no_data_is_refused_at_once_and_kept(
    sandbox: Sandbox, http: ProviderSession, kind: str, said: str
) -> None:
    sandbox.faults.switch_on(Fault("/", kind))  # type: ignore[arg-type]
    with pytest.raises(UnusableAnswerError, match=said) as refused:
        http.get(NAVALL)
    assert len(sandbox.requests) == 1
    assert refused.value.payload.observed_at == NOON


def test_a_body_above_the_limit_is_refused(sandbox: Sandbox, quick: Settings) -> None:
    with (
        ProviderSession("amfi", sandbox.url, quick.model_copy(update={"max_payload_bytes": 50})) as http,
        pytest.raises(SourceError, match="more than the 50 allowed"),
    ):
        http.get(NAVALL)


def test_nobody_listening_and_another_host_are_source_errors(quick: Settings, http: ProviderSession) -> None:
    with (
        ProviderSession("amfi", "http://127.0.0.1:1", quick) as deaf,
        pytest.raises(SourceError, match="the transfer broke: ConnectionError"),
    ):
        deaf.get(NAVALL)
    with pytest.raises(SourceError, match=r"refused to ask http://evil\.invalid/next"):
        http.get(f"http://evil.invalid/next?apiKey={KEY}")


def test_no_message_holds_a_key(sandbox: Sandbox, http: ProviderSession, pauses: list[float]) -> None:
    for kind in ("500", "403", "redirect", "cut", "one_byte"):
        sandbox.faults.switch_on(Fault("/", kind, times=3 if kind in ("500", "cut") else 1))
        with pytest.raises(SourceError) as told:
            http.get(NAVALL, {"apiKey": KEY, "day": "2013-02-27"})
        assert KEY not in "".join(traceback.format_exception(told.value))
        assert re.search(r"apiKey=\*\*\*&day=2013-02-27", str(told.value))


def test_a_post_is_a_question_like_any_other(sandbox: Sandbox, http: ProviderSession) -> None:
    sandbox.faults.switch_on(Fault("/", "500", times=1))
    assert http.post(NAVALL, b'{"method":"eth_getBalance"}').body.startswith(b"Scheme Code;")
    assert len(sandbox.requests) == 2
    assert {headers["Content-Type"] for _, headers in sandbox.requests} == {"application/json"}


def test_a_key_travels_in_the_header_that_the_provider_wants(sandbox: Sandbox, quick: Settings) -> None:
    with ProviderSession("coingecko", sandbox.url, quick, key=KEY, key_in="x-cg-demo-api-key") as http:
        http.get(NAVALL)
    [(_, headers)] = sandbox.requests
    assert headers["x-cg-demo-api-key"] == KEY
    assert "Authorization" not in headers


def test_neither_extra_headers_nor_a_key_in_the_base_url_stand_in_a_message(
    sandbox: Sandbox, quick: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="folio")
    with ProviderSession("ethereum", f"{sandbox.url}/v3/{KEY}", quick) as http:
        assert http.shown("/") == f"{sandbox.url}/***/"
        for kind in ("500", "403", "redirect", "one_byte", "cut"):
            sandbox.faults.switch_on(Fault("/", kind, times=3 if kind in ("500", "cut") else 1))
            with pytest.raises(SourceError) as told:
                http.post("/", b"{}", {"API-Sign": SIGNATURE})
            text = "".join(traceback.format_exception(told.value)) + caplog.text
            assert KEY not in text
            assert SIGNATURE not in text


def test_redaction_leaves_what_tells_where() -> None:
    url = "https://user:pass@api.example:8443/v2/x?apiKey=k&day=2013-02-27&TOKEN=t#frag"
    assert redact(url) == "https://api.example:8443/v2/x?apiKey=***&day=2013-02-27&TOKEN=***"


def test_the_breaker_opens_leaves_the_provider_in_peace_and_closes_again(
    warehouse: str, sandbox: Sandbox, quick: Settings
) -> None:
    instants = [NOON]
    with warehouse_module.connect(warehouse) as connection:
        breaker = DatabaseBreaker(connection, "amfi", limit=2, now=lambda: instants[-1])
        one, other = (ProviderSession("amfi", sandbox.url, quick, breaker=breaker) for _ in range(2))

        def fails(http: ProviderSession, said: str) -> None:
            with pytest.raises(SourceError, match=said):
                http.get(NAVALL)

        sandbox.faults.switch_on(Fault("/", "html"))
        fails(one, "HTTP 200, but an HTML page")
        fails(other, "HTTP 200, but an HTML page")
        fails(one, "not asked, because the last 2 questions had no answer; it may be asked again from")
        assert len(sandbox.requests) == 2
        instants.append(NOON + breaker.pause)
        fails(
            other, "HTTP 200, but an HTML page"
        )  # half open: one question is let through, and opens it again
        fails(one, "the last 3 questions had no answer")
        sandbox.faults.switch_off()
        instants.append(instants[-1] + breaker.pause)
        assert other.get(NAVALL).body
        assert one.get(NAVALL).body
        assert connection.execute("select failures, opened_at from ops.breakers").fetchall() == [(0, None)]


def test_a_fault_counts_across_sessions_only_in_a_row(
    warehouse: str, sandbox: Sandbox, quick: Settings
) -> None:
    with warehouse_module.connect(warehouse) as connection:
        http = ProviderSession(
            "amfi", sandbox.url, quick, breaker=DatabaseBreaker(connection, "amfi", limit=2)
        )
        for _ in range(3):
            sandbox.faults.switch_on(Fault("/", "html", times=1))
            with pytest.raises(SourceError, match="HTTP 200"):
                http.get(NAVALL)
            http.get(NAVALL)
