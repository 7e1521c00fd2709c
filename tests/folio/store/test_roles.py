"""Roles that only read or only audit log in with passwords derived from the owner's."""

from urllib.parse import urlsplit

import psycopg
import pytest

from folio.errors import ServiceError
from folio.store import roles
from folio.store import warehouse as connections


@pytest.mark.parametrize("role", [roles.API, roles.AUDIT])
def test_a_role_logs_in_as_itself_with_the_same_password_each_time(warehouse, role):
    dsn = roles.login_dsn(warehouse, role)
    assert roles.login_dsn(warehouse, role) == dsn
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select current_user").fetchone() == (role,)
    assert urlsplit(dsn).password not in {None, urlsplit(warehouse).password}


def test_a_changed_password_is_mended(warehouse):
    roles.login_dsn(warehouse, roles.API)
    with connections.connect() as connection:
        connection.execute("alter role folio_api password 'another'")
    with psycopg.connect(roles.login_dsn(warehouse, roles.API)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_an_owner_without_a_password_has_nothing_to_derive_from():
    with pytest.raises(ServiceError, match="FOLIO_API_DSN"):
        roles.login_dsn("postgresql://folio@127.0.0.1/folio", roles.API)


def test_the_audit_role_can_add_requests_and_do_nothing_else(warehouse):
    with psycopg.connect(roles.login_dsn(warehouse, roles.AUDIT), autocommit=True) as connection:
        connection.execute(
            "insert into access.requests (request_id, method, path, status)"
            " values (gen_random_uuid(), 'GET', '/', 200)"
        )
        for statement in ("select * from access.requests", "select * from marts.publications"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
