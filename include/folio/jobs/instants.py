"""Instants as people write them on the command line."""

from datetime import UTC, date, datetime, timedelta

from folio.errors import NightError
from folio.jobs.nights import ID_FORMAT, ID_PATTERN


def instant_of(text: str) -> datetime:
    """Aware instant of text: ISO with its zone, a night's id, or a day, which means its end in UTC.

    Raises
    ------
    NightError
        The text is none of them, or an instant without a zone.
    """
    try:
        if ID_PATTERN.fullmatch(text):
            return datetime.strptime(text, ID_FORMAT).replace(tzinfo=UTC)
        if "T" not in text and " " not in text:
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise NightError(f"{text!r} is no instant: write 2025-07-27T03:22Z, or a day for its end.") from None
    if instant.tzinfo is None:
        raise NightError(f"{text!r} has no zone: write {text}Z for UTC, or its offset.")
    return instant.astimezone(UTC)
