#!/bin/sh
# Brings both databases up to date and makes what Airflow must hold before its first run; safe to run again.
set -eu
airflow db migrate
python -c 'from folio.store import warehouse; warehouse.migrate()'
python - <<'PYTHON'
from folio.services.airflow import EVENT_POOL
from subprocess import run
run(["airflow", "pools", "set", EVENT_POOL, "1", "Joins the Assets of one night one at a time"], check=True)
PYTHON
