"""dbt's connections to the warehouse, kept open from one model to the next."""

from dbt.adapters.contracts.connection import ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter


class LastingConnections(PostgresConnectionManager):  # type: ignore[misc]  # mypy does not follow dbt
    """Postgres connections that a thread keeps until the command ends.

    dbt opens a new one for each model and test: of a stage of two hundred, whose tables are small, that is
    a quarter of the time. What a model leaves open is rolled back either way.
    """

    def release(self) -> None:
        """Give the thread's connection back with no transaction open, and closed if it is broken."""
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN:
            return
        self._rollback_handle(connection)  # also what psycopg2 has begun by itself
        connection.transaction_open = False
        if connection.handle.closed:
            self.close(connection)


def keep() -> None:
    """Have dbt use lasting connections in this process from its next command on."""
    PostgresAdapter.ConnectionManager = LastingConnections
