"""What all processes together know of a provider: when to leave it in peace, and whose turn it is.

Both live in the database, because a night's tasks and a backfill's are processes of their own. Each commits
on its connection, which must have no open transaction. `now` replaces the database's clock: in recorded
mode a night's instant, in tests whatever they need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg

from folio.errors import SourceError

Connection = psycopg.Connection[Any]
Clock = Callable[[], datetime]

LONGEST_PEACE = timedelta(days=1)
"""A provider may ask to be left alone for a year by mistake; it is tried again the next day."""

PROBE_LEASE = timedelta(minutes=5)
"""A probe whose process died holds others back no longer than this."""


class NotAskedError(SourceError):
    """A question that was not put: the provider is left in peace, or no turn comes in time."""


class Breaker(Protocol):
    """Remembers whether a provider is worth asking."""

    def check(self) -> None:
        """Raise NotAskedError while the provider is left in peace."""
        ...

    def succeeded(self) -> None:
        """Note that it answered."""
        ...

    def failed(self) -> None:
        """Note that it did not, after all attempts."""
        ...

    def leave_in_peace(self, seconds: float) -> datetime:
        """Note that it asked for a pause; gives the instant from which it may be asked again."""
        ...


class RateLimit(Protocol):
    """Hands out turns at a provider."""

    def turn(self) -> float:
        """Take the next turn; gives the seconds to wait for it, or raises NotAskedError."""
        ...


@dataclass(frozen=True)
class NoBreaker:
    """Asks always."""

    def check(self) -> None:
        """Let everything through."""

    def succeeded(self) -> None:
        """Remember nothing."""

    def failed(self) -> None:
        """Remember nothing."""

    def leave_in_peace(self, seconds: float) -> datetime:
        """Say until when, and remember nothing."""
        return datetime.now(UTC) + min(timedelta(seconds=seconds), LONGEST_PEACE)


@dataclass(frozen=True)
class DatabaseBreaker:
    """Circuit breaker in ops.breakers.

    It opens after `limit` questions in a row without an answer, for `pause`, or for as long as the provider
    asks for (a day at most). Then it is half open: one process may put one question, which closes it or
    opens it again; the others are refused until that is known.
    """

    connection: Connection
    provider: str
    limit: int = 5
    pause: timedelta = timedelta(minutes=5)
    now: Clock | None = None

    def check(self) -> None:
        """Raise NotAskedError while open, or half open with another's question under way."""
        with self.connection.transaction():
            row = self.connection.execute(
                """
                select reason, open_until, clock.now < open_until, clock.now < probe_until
                from ops.breakers, (select coalesce(%(now)s, clock_timestamp()) as now) as clock
                where provider = %(provider)s and clock.now >= opened_at
                for update of breakers
                """,
                self._parameters(),
            ).fetchone()
            if row is None:
                return
            reason, until, is_open, is_probed = row
            if not (is_open or is_probed):
                self.connection.execute(
                    "update ops.breakers set probe_until = coalesce(%(now)s, clock_timestamp()) + %(lease)s"
                    " where provider = %(provider)s",
                    self._parameters(),
                )
                return
        if is_open:
            raise NotAskedError(
                f"{self.provider}: not asked, because {reason}; it may be asked again from {_text(until)}"
            )
        raise NotAskedError(
            f"{self.provider}: not asked, because {reason}; another process is trying whether it is back"
        )

    def succeeded(self) -> None:
        """Close the breaker."""
        with self.connection.transaction():
            self.connection.execute(
                "update ops.breakers set failures = 0, opened_at = null, open_until = null,"
                " probe_until = null, reason = null"
                " where provider = %(provider)s and (failures <> 0 or opened_at is not null)",
                self._parameters(),
            )

    def failed(self) -> None:
        """Count a failure; open at the limit, and again at once when it was half open."""
        with self.connection.transaction():
            self.connection.execute(
                """
                insert into ops.breakers (provider, failures) values (%(provider)s, 1)
                on conflict (provider) do update set failures = breakers.failures + 1
                """,
                self._parameters(),
            )
            self.connection.execute(
                """
                update ops.breakers
                set opened_at = clock.now, open_until = clock.now + %(pause)s, probe_until = null,
                    reason = format('the last %%s questions had no answer', failures)
                from (select coalesce(%(now)s, clock_timestamp()) as now) as clock
                where provider = %(provider)s and (failures >= %(limit)s or opened_at is not null)
                """,
                self._parameters(),
            )

    def leave_in_peace(self, seconds: float) -> datetime:
        """Open for as long as the provider asked for."""
        with self.connection.transaction():
            row = self.connection.execute(
                """
                insert into ops.breakers as known (provider, failures, opened_at, open_until, reason)
                select %(provider)s, 1, clock.now, clock.now + %(peace)s, 'it asked to be left in peace'
                from (select coalesce(%(now)s, clock_timestamp()) as now) as clock
                on conflict (provider) do update set
                    failures = known.failures + 1, opened_at = excluded.opened_at,
                    open_until = excluded.open_until, probe_until = null, reason = excluded.reason
                returning open_until
                """,
                {**self._parameters(), "peace": min(timedelta(seconds=seconds), LONGEST_PEACE)},
            ).fetchone()
        if row is None:
            raise SourceError(f"{self.provider}: its breaker could not be set")
        until: datetime = row[0]
        return until

    def _parameters(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "limit": self.limit,
            "pause": self.pause,
            "lease": PROBE_LEASE,
            "now": self.now() if self.now else None,
        }


@dataclass(frozen=True)
class DatabaseRateLimit:
    """Rate limit in ops.rate_limits: turns evenly spaced over a minute, whoever takes them.

    Parameters
    ----------
    per_minute : questions a minute, attempts after a fault included.
    longest_wait : a turn further away is not taken.
    """

    connection: Connection
    provider: str
    per_minute: int
    longest_wait: timedelta = timedelta(minutes=5)
    now: Clock | None = None

    def turn(self) -> float:
        """Take the next turn; gives the seconds to wait for it, or raises NotAskedError."""
        with self.connection.transaction():
            row = self.connection.execute(
                """
                insert into ops.rate_limits as known (provider, next_turn_at)
                values (%(provider)s, coalesce(%(now)s, clock_timestamp()) + %(spacing)s)
                on conflict (provider) do update set
                    next_turn_at = greatest(known.next_turn_at, coalesce(%(now)s, clock_timestamp()))
                        + %(spacing)s
                where known.next_turn_at <= coalesce(%(now)s, clock_timestamp()) + %(longest)s
                returning
                    extract(epoch from next_turn_at - %(spacing)s - coalesce(%(now)s, clock_timestamp()))
                """,
                {
                    "provider": self.provider,
                    "spacing": timedelta(minutes=1) / self.per_minute,
                    "longest": self.longest_wait,
                    "now": self.now() if self.now else None,
                },
            ).fetchone()
        if row is None:
            raise NotAskedError(
                f"{self.provider}: not asked: under its rate limit of {self.per_minute} a minute no turn "
                f"comes within {self.longest_wait.total_seconds():g} s"
            )
        return max(0.0, float(row[0]))


def _text(instant: datetime) -> str:
    """An instant in messages."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
