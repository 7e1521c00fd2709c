"""`folio known` shows the version known at an instant, where it came from, and says plainly what is not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from folio.commands.known import known
from folio.errors import FolioError
from folio.jobs.instants import instant_of
from folio.sources import landing
from folio.sources.connectors import amfi
from folio.sources.landing import Ask
from folio.sources.payloads import Payload
from folio.store import warehouse as connections

HEADER = (
    "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date\n"
    "Open Ended Schemes(Equity Scheme - Value Fund)\nA Mutual Fund\n"
)


@pytest.fixture
def run(warehouse: str, tmp_path: Path) -> Callable[..., str]:
    """Runs the command over two NAV files, of which the second restates a NAV."""
    with connections.connect() as connection:
        for day, navs in ((26, ("10", "20")), (27, ("10.5", "20"))):
            body = HEADER + "".join(
                f"{code};-;-;Fund {code};{nav};25-Jul-2025\n" for code, nav in zip((1, 2), navs, strict=True)
            )
            seen = datetime(2025, 7, day, 3, tzinfo=UTC)
            landing.take_in(
                connection,
                Ask("amfi", "navs", f"{seen:%Y-%m-%dT%H:%MZ}", None, "test"),
                lambda body=body, seen=seen: Payload(body.encode(), seen),  # type: ignore[misc]
                amfi.parse_navs,
                folder=tmp_path,
            )
    app = typer.Typer()
    app.command()(known)
    return lambda *arguments: CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def test_the_version_known_is_shown_with_its_load_and_line(run: Callable[..., str]) -> None:
    [before] = json.loads(run("2025-07-26", "amfi", "1", "--json"))
    [after] = json.loads(run("2025-07-27T03:00Z", "amfi", "1", "--day", "2025-07-25", "--json"))
    assert (before["values"], before["replaced"]) == ({"nav": "10.0000000000"}, 0)
    assert (after["values"], after["replaced"]) == ({"nav": "10.5000000000"}, 1)
    assert before["key"] == {"nav_date": "2025-07-25", "scheme_code": 1}
    assert (before["slot"], before["line"], before["known_basis"]) == ("2025-07-26T03:00Z", 4, "observed")
    table = run("2025-07-27T03:00Z", "amfi", "1")
    assert "raw.amfi_navs as known at 2025-07-27T03:00Z" in table
    assert "10.5" in table


def test_what_was_not_known_yet_or_has_no_such_key_is_said(run: Callable[..., str]) -> None:
    assert "Nothing was known of amfi 1" in run("2025-07-26T02:59Z", "amfi", "1")
    assert "Nothing was known of amfi ABC" in run("2025-07-28", "amfi", "ABC")
    assert json.loads(run("2025-07-28", "amfi", "1", "--day", "2025-07-24", "--json")) == []
    with pytest.raises(FolioError, match="nothing of 'polygon' has landed; there is amfi"):
        run("2025-07-28", "polygon", "IBM")


def test_an_instant_is_iso_with_its_zone_a_night_or_a_day_for_its_end() -> None:
    assert instant_of("2025-07-27") == datetime(2025, 7, 28, tzinfo=UTC)
    assert instant_of("2025-07-27T0322Z") == datetime(2025, 7, 27, 3, 22, tzinfo=UTC)
    assert instant_of("2025-07-27T08:52+05:30") == datetime(2025, 7, 27, 3, 22, tzinfo=UTC)
    for wrong in ("yesterday", "2025-07-27T03:22", "2025-13-01", ""):
        with pytest.raises(FolioError):
            instant_of(wrong)
