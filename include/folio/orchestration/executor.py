"""Executor whose workers have already imported what takes tasks seconds to import."""

import importlib

from airflow.executors.local_executor import LocalExecutor

SLOW_TO_IMPORT = (
    "dbt.cli.main",
    "dbt.adapters.postgres",
    "great_expectations",
    "great_expectations.expectations",
    "matplotlib.figure",
    "highspy",
    "pyarrow.compute",
)
"""Libraries only: Folio's own modules are left to each task, so that a changed file counts at once."""


class WarmLocalExecutor(LocalExecutor):  # type: ignore[misc]  # mypy does not follow Airflow
    """Airflow's LocalExecutor, with slow libraries imported before its workers are forked.

    A task is a fork of a worker. Without this, three gates and four dbt stages import ten seconds of
    libraries each, which is a third of a small night.
    """

    def start(self) -> None:
        """Import, then fork the workers; where they are spawned instead, each task imports for itself."""
        if self.is_mp_using_fork:
            for module in SLOW_TO_IMPORT:
                importlib.import_module(module)
        super().start()
