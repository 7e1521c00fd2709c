"""How providers are left in peace and turns handed out, between processes that share one database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from folio.errors import SourceError
from folio.settings import Settings
from folio.sources.manners import (
    LONGEST_PEACE,
    PROBE_LEASE,
    DatabaseBreaker,
    DatabaseRateLimit,
    NotAskedError,
)
from folio.sources.sandbox import Fault, Sandbox
from folio.sources.session import ProviderSession
from folio.store import warehouse as warehouse_module

NAVALL = "/spages/NAVAll.txt"
NOON = datetime(2013, 2, 28, 12, tzinfo=UTC)
PAUSE = timedelta(minutes=5)


@dataclass
class Clock:
    """A clock that the test sets."""

    instant: datetime = NOON

    def __call__(self) -> datetime:
        return self.instant

    def pass_by(self, span: timedelta) -> None:
        self.instant += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(warehouse: str) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """Makes connections as processes of their own would have."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(warehouse_module.connect(warehouse))


@pytest.fixture
def breaker(connect: Callable[[], psycopg.Connection[Any]], clock: Clock) -> Callable[[], DatabaseBreaker]:
    """Makes the breaker of one process."""
    return lambda: DatabaseBreaker(connect(), "amfi", limit=2, pause=PAUSE, now=clock)


def test_it_opens_for_all_and_lets_exactly_one_through_after_the_pause(
    breaker: Callable[[], DatabaseBreaker], clock: Clock
) -> None:
    processes = [breaker() for _ in range(6)]
    processes[0].failed()
    processes[1].check()
    processes[1].failed()
    with pytest.raises(
        NotAskedError, match=r"the last 2 questions had no answer; .* from 2013-02-28 12:05:00 UTC"
    ):
        processes[2].check()
    clock.pass_by(PAUSE)

    def is_let_through(process: DatabaseBreaker) -> bool:
        try:
            process.check()
        except NotAskedError as refused:
            assert "another process is trying" in str(refused)
            return False
        return True

    with ThreadPoolExecutor(len(processes)) as pool:
        assert sum(pool.map(is_let_through, processes)) == 1


def test_the_probe_closes_it_or_opens_it_again(breaker: Callable[[], DatabaseBreaker], clock: Clock) -> None:
    prober, other = breaker(), breaker()
    for _ in range(2):
        prober.failed()
    clock.pass_by(PAUSE)
    prober.check()
    prober.failed()
    with pytest.raises(NotAskedError, match="the last 3 questions"):
        other.check()
    clock.pass_by(PAUSE)
    other.check()
    other.succeeded()
    prober.check()
    prober.failed()
    other.check()  # one failure after a success does not open it


def test_a_probe_whose_process_died_is_followed_by_another(
    breaker: Callable[[], DatabaseBreaker], clock: Clock
) -> None:
    dead, other = breaker(), breaker()
    for _ in range(2):
        dead.failed()
    clock.pass_by(PAUSE)
    dead.check()
    with pytest.raises(NotAskedError, match="another process"):
        other.check()
    clock.pass_by(PROBE_LEASE)
    other.check()


def test_an_older_night_is_not_held_up_by_what_came_after_it(
    breaker: Callable[[], DatabaseBreaker], clock: Clock
) -> None:
    process = breaker()
    for _ in range(2):
        process.failed()
    clock.pass_by(-timedelta(days=30))
    process.check()


def test_a_provider_that_asks_for_a_long_pause_gets_it_from_everyone(
    connect: Callable[[], psycopg.Connection[Any]],
    breaker: Callable[[], DatabaseBreaker],
    clock: Clock,
    demo_folder: Path,
    quick: Settings,
) -> None:
    with Sandbox(demo_folder) as sandbox:
        sandbox.faults.switch_on(Fault("/", "429", times=1, retry_after=3600))
        one, other = (ProviderSession("amfi", sandbox.url, quick, breaker=breaker()) for _ in range(2))
        with pytest.raises(
            SourceError, match=r"HTTP 429, .*; it may be asked again from 2013-02-28 13:00:00 UTC"
        ):
            one.get(NAVALL)
        with pytest.raises(
            NotAskedError,
            match="it asked to be left in peace; it may be asked again from 2013-02-28 13:00:00 UTC",
        ):
            other.get(NAVALL)
        assert len(sandbox.requests) == 1
        assert "left in peace" in (other.not_asked or "")
        clock.pass_by(timedelta(hours=1))
        assert other.get(NAVALL).body
        assert one.get(NAVALL).body


def test_nobody_is_left_in_peace_for_more_than_a_day(breaker: Callable[[], DatabaseBreaker]) -> None:
    assert breaker().leave_in_peace(1e9) == NOON + LONGEST_PEACE


@pytest.mark.parametrize("kind", ["403", "html_404"])
def test_a_refusal_is_an_answer_about_one_question_and_opens_nothing(
    breaker: Callable[[], DatabaseBreaker], demo_folder: Path, quick: Settings, kind: str
) -> None:
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession("amfi", sandbox.url, quick, breaker=breaker()) as http,
    ):
        sandbox.faults.switch_on(Fault("/one", kind))  # type: ignore[arg-type]
        for _ in range(3):
            with pytest.raises(SourceError, match="HTTP 40"):
                http.get("/one")
        assert http.get(NAVALL).body


@pytest.mark.parametrize("kind", ["500", "429", "cut", "html", "redirect", "empty"])
def test_what_is_no_answer_counts_whatever_was_asked(
    breaker: Callable[[], DatabaseBreaker], demo_folder: Path, quick: Settings, kind: str
) -> None:
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession("amfi", sandbox.url, quick, breaker=breaker()) as http,
    ):
        sandbox.faults.switch_on(Fault("/", kind))  # type: ignore[arg-type]
        for _ in range(2):
            with pytest.raises(SourceError):
                http.get(NAVALL)
        with pytest.raises(NotAskedError):
            http.get(NAVALL)


def test_turns_are_spaced_over_the_minute_whichever_process_takes_them(
    connect: Callable[[], psycopg.Connection[Any]], clock: Clock
) -> None:
    limits = [DatabaseRateLimit(connect(), "yahoo", 30, now=clock) for _ in range(4)]
    with ThreadPoolExecutor(len(limits)) as pool:
        assert sorted(pool.map(lambda limit: limit.turn(), limits)) == [0, 2, 4, 6]
    clock.pass_by(timedelta(seconds=7))
    assert limits[0].turn() == 1
    clock.pass_by(timedelta(minutes=1))
    assert limits[0].turn() == 0


def test_a_turn_too_far_away_is_not_taken(
    connect: Callable[[], psycopg.Connection[Any]], clock: Clock
) -> None:
    limit = DatabaseRateLimit(connect(), "alphavantage", 5, longest_wait=timedelta(seconds=20), now=clock)
    assert [limit.turn(), limit.turn()] == [0, 12]
    with pytest.raises(NotAskedError, match="rate limit of 5 a minute no turn comes within 20 s"):
        limit.turn()
    clock.pass_by(timedelta(seconds=4))
    assert limit.turn() == 20


def test_a_session_waits_for_its_turn_at_every_attempt_and_does_not_blame_the_provider(
    connect: Callable[[], psycopg.Connection[Any]], clock: Clock, demo_folder: Path, quick: Settings
) -> None:
    waited: list[float] = []
    limit = DatabaseRateLimit(connect(), "amfi", 60, longest_wait=timedelta(seconds=2), now=clock)
    breaker = DatabaseBreaker(connect(), "amfi", limit=1, now=clock)
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession(
            "amfi", sandbox.url, quick, limit=limit, breaker=breaker, sleep=waited.append
        ) as http,
    ):
        sandbox.faults.switch_on(Fault("/", "500", times=1))
        http.get(NAVALL)
        assert [seconds for seconds in waited if seconds] == [1]
        http.get(NAVALL)
        with pytest.raises(NotAskedError, match="rate limit"):
            http.get(NAVALL)
        breaker.check()
