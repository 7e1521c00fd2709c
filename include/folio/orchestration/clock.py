"""The clock's own work: start a night's ingests through Airflow's API."""

from datetime import datetime

from folio.services.airflow import AirflowClient


def start_night_at(instant: datetime) -> list[str]:
    """Start the ingests of the night of an instant that have no run yet; gives their Dags."""
    from folio.jobs.nights import Night
    from folio.services.conductor import start_ingests
    from folio.settings import settings

    with AirflowClient(settings().airflow_url) as client:
        return start_ingests(client, Night.at(instant).id)
