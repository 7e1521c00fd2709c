"""When minute prices are asked for: every some minutes where instruments are chosen, else never."""

from folio.settings import settings


def schedule() -> str | None:
    """Cron line of the Dag of minute prices; None where it is off."""
    current = settings()
    return f"*/{current.intraday_minutes} * * * *" if current.intraday else None
