"""`folio status` says which providers are left in peace, and until when."""

import json
from datetime import UTC, datetime

from typer.testing import CliRunner

from folio.cli import app
from folio.sources.manners import DatabaseBreaker
from folio.store import warehouse as warehouse_module


def test_a_provider_left_in_peace_is_listed_with_its_reason(warehouse: str) -> None:
    with warehouse_module.connect(warehouse) as connection:
        breaker = DatabaseBreaker(connection, "yahoo", now=lambda: datetime(2026, 1, 5, 3, tzinfo=UTC))
        breaker.leave_in_peace(3600)
        DatabaseBreaker(connection, "ecb").failed()
    told = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    [one] = told["left_in_peace"]
    assert (one["provider"], one["reason"]) == ("yahoo", "it asked to be left in peace")
    assert datetime.fromisoformat(one["open_until"]) == datetime(2026, 1, 5, 4, tzinfo=UTC)
    printed = " ".join(CliRunner().invoke(app, ["status"]).stdout.split())
    assert "yahoo, because it asked to be left in peace; asked again from 2026-01-05 04:00:00 UTC" in printed
