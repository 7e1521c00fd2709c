"""Nights: their ids, which one is being built, and up to which instant facts count for it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from folio.errors import NightError
from folio.store import warehouse

ID_FORMAT = "%Y-%m-%dT%H%MZ"
ID_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{4}Z")


@dataclass(frozen=True)
class Night:
    """One run of the pipeline: an instant, and the day its figures are about."""

    id: str
    instant: datetime
    valuation_date: date

    @classmethod
    def parse(cls, night: str) -> "Night":
        """Night of an id such as `2013-02-28T0300Z`, whose valuation date is the day before its instant."""
        if not ID_PATTERN.fullmatch(night or ""):
            raise NightError(f"{night!r} is no night: write an instant such as 2013-02-28T0300Z.")
        try:
            instant = datetime.strptime(night, ID_FORMAT).replace(tzinfo=UTC)
        except ValueError as error:
            raise NightError(f"{night!r} is no night: {error}.") from None
        return cls(night, instant, instant.date() - timedelta(days=1))

    @classmethod
    def at(cls, instant: datetime) -> "Night":
        """Night of an aware instant, cut to the minute."""
        return cls.parse(instant.astimezone(UTC).strftime(ID_FORMAT))


def open_night(night: str) -> bool:
    """Make a night the one that models read; False where a later one is already published.

    Facts count up to the night's instant, or to the last payload fetched for it where that was later,
    so that running it again reads the same facts.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('folio.night'))")
        later = connection.execute(
            "select 1 from history.publications as later where later.night > %s limit 1",
            (this.id,),
        ).fetchone()
        if later:
            return False
        listed = connection.execute(
            """
            insert into ops.nights (night, instant, valuation_date, known_at)
            select %(id)s, %(instant)s, %(day)s,
                   greatest(%(instant)s, (select max(observed_at) from raw.loads
                                          where night = %(id)s and status = 'loaded'))
            on conflict (night) do update set known_at = excluded.known_at
            where nights.known_at <> excluded.known_at
            """,
            {"id": this.id, "instant": this.instant, "day": this.valuation_date},
        )
        opened = connection.execute(
            """
            insert into ops.night (night, valuation_date, known_at)
            select night, valuation_date, known_at from ops.nights where night = %s
            on conflict (only_row) do update
            set night = excluded.night, valuation_date = excluded.valuation_date, known_at = excluded.known_at
            where (night.night, night.known_at) is distinct from (excluded.night, excluded.known_at)
            """,
            (this.id,),
        )
        if listed.rowcount or opened.rowcount:  # what is built is of another night, or of fewer facts
            connection.execute("update ops.stage_builds set is_current = false where is_current")
        connection.execute("analyze ops.night")  # one row: else the planner takes it for a thousand
    return True


def account_batches(night: str, size: int = 250, most: int = 64) -> list[str]:
    """Keys of the batches of accounts that mapped tasks work on: `0/3` is the first of three.

    A batch holds the accounts whose id hashes to it, so that no list of accounts travels between tasks.
    """
    Night.parse(night)
    with warehouse.connect() as connection:
        row = connection.execute("select count(distinct account_key) from raw.book_accounts").fetchone()
    accounts = row[0] if row else 0
    batches = min(most, max(1, -(-accounts // size)))
    return [f"{batch}/{batches}" for batch in range(batches)]
