"""The publishing job takes dbt's manifest, marks what a night touched and publishes it."""

import json

import pytest

from folio.errors import PublicationError
from folio.jobs import nights
from folio.jobs import publish as job
from folio.store import warehouse as connections

NIGHT = "2013-02-27T0300Z"


def write_manifest():
    contract = {
        "nodes": {
            "model.folio.dim_dates": {
                "resource_type": "model",
                "name": "dim_dates",
                "original_file_path": "models/marts/reference/dim_dates.sql",
                "config": {"meta": {"key": ["date_day"], "row_access": "public"}},
                "columns": {"date_day": {"name": "date_day", "data_type": "date", "description": "Day."}},
            },
            "model.folio.stg_days": {
                "resource_type": "model",
                "name": "stg_days",
                "original_file_path": "models/staging/stg_days.sql",
                "columns": {},
            },
        }
    }
    path = job.manifest_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(contract))


def test_a_night_is_published_once_and_again_only_when_something_changed(warehouse):
    write_manifest()
    nights.open_night(NIGHT)
    with connections.connect() as connection:
        connection.execute("create table build.dim_dates as select date '2013-02-26' as date_day")
    first = job.publish(NIGHT)
    assert first is not None
    assert first.changes == {"dim_dates": {"opened": 1, "closed": 0}}
    assert job.publish(NIGHT) is None
    with connections.connect() as connection:
        connection.execute("insert into build.dim_dates values ('2013-02-27')")
    again = job.publish(NIGHT)
    assert again is not None
    assert again.ordinal == 2


def test_without_a_manifest_it_says_what_to_run(warehouse):
    with pytest.raises(PublicationError, match="run its stages first"):
        job.publish(NIGHT)


def test_a_mart_that_no_stage_has_built_is_named(warehouse):
    write_manifest()
    nights.open_night(NIGHT)
    with pytest.raises(PublicationError, match=r"build\.dim_dates does not exist: run the stage"):
        job.publish(NIGHT)
