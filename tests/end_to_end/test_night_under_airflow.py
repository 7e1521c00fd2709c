"""A night under a real scheduler: it comes through, leaves what one process leaves, and answers readers."""

import psycopg
import pytest
import requests

from folio.commands.keys import create_key
from folio.services.conductor import NIGHT_DAGS, run_night
from folio.store import warehouse


@pytest.mark.end_to_end
@pytest.mark.timeout(1500)
def test_a_night_under_airflow_is_the_night_in_one_process_and_the_api_answers(demo, running, relations_of):
    with running(nights_done=2) as (instance, dsn):
        with instance.client() as client:
            run = run_night(client, demo.nights[2], seconds=900)
            red = {
                dag: client.task_instances(dag, found["dag_run_id"])
                for dag in run.failed
                for found in client.runs(dag, demo.nights[2])[:1]
            }
        assert run.is_complete, (run.states, red)
        assert set(run.states) == set(NIGHT_DAGS)

        ours, theirs = relations_of(dsn), relations_of(demo.server.url(demo.database(3)))
        assert {name for name in theirs if theirs[name] != ours.get(name)} == set()

        with warehouse.connect(dsn) as connection:
            key = create_key(connection, "end to end", "analyst")
        with psycopg.connect(dsn) as connection:
            row = connection.execute(
                "select portfolio_id from build.dim_portfolios order by portfolio_code limit 1"
            ).fetchone()
            assert row is not None
        url = f"{instance.settings.api_url}/api/v1/portfolios/{row[0]}/holdings"
        answer = requests.get(url, headers={"X-API-Key": key}, timeout=30)
        assert answer.status_code == requests.codes.ok
        assert answer.json()["data"]
        assert requests.get(url, timeout=30).status_code == requests.codes.unauthorized
