"""`folio publications` lists what readers were shown, the newest first."""

import json

import pytest
import typer
from typer.testing import CliRunner

from folio.commands.publications import publications
from folio.store import warehouse as connections


@pytest.fixture
def run(warehouse):
    app = typer.Typer()
    app.command()(publications)
    return lambda *arguments: CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def test_before_the_first_publication_it_says_so(run):
    assert "Nothing is published yet" in run()
    assert json.loads(run("--json")) == []


def test_publications_come_newest_first_for_people_and_programs(run):
    with connections.connect() as connection:
        for ordinal, night in enumerate(("2013-02-27T0300Z", "2013-02-28T0300Z"), start=1):
            connection.execute(
                """
                insert into history.publications (publication_id, ordinal, night, instant, valuation_date,
                    known_at, rows_opened, rows_closed, changes)
                values (gen_random_uuid(), %s, %s, now(), '2013-02-26', now(), 4, 1, '{"dim_funds": {}}')
                """,
                [ordinal, night],
            )
    listed = json.loads(run("--json"))
    assert [(each["ordinal"], each["night"]) for each in listed] == [
        (2, "2013-02-28T0300Z"),
        (1, "2013-02-27T0300Z"),
    ]
    assert listed[0]["changes"] == {"dim_funds": {}}
    assert len(json.loads(run("--json", "--limit", "1"))) == 1
    assert "opened" in run()
