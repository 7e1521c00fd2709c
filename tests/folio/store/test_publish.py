"""Publishing makes versions of built rows, whole or not at all, and shows each reader what it may see."""

import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from folio.errors import PublicationError
from folio.jobs import nights, touches
from folio.jobs.keys import create_key, hashed
from folio.store import publish as store
from folio.store import roles
from folio.store import warehouse as connections

FIRST, SECOND, THIRD = "2013-02-27T0300Z", "2013-02-28T0300Z", "2013-03-01T0300Z"
D1, D2 = date(2013, 2, 26), date(2013, 2, 27)
ASHA, BORIS = uuid.UUID(int=1), uuid.UUID(int=2)
ASHAS, BORISS = uuid.UUID(int=11), uuid.UUID(int=12)


def model(name, columns, key, row_access, day=None):
    return {
        "resource_type": "model",
        "name": name,
        "original_file_path": f"models/marts/trial/{name}.sql",
        "description": f"Trial of {name}.",
        "config": {"meta": {"key": key, "row_access": row_access} | ({"day": day} if day else {})},
        "columns": {
            column: {"name": column, "data_type": data_type, "description": f"Column {column} of {name}."}
            for column, data_type in columns.items()
        },
    }


def manifest(*, values=None):
    values = values or {
        "portfolio_id": "uuid",
        "valuation_date": "date",
        "value_portfolio": "numeric(28, 8)",
        "quality": "text",
    }
    models = [
        model(
            "dim_investors",
            {"investor_id": "uuid", "household_id": "uuid", "tax_unit_id": "uuid"},
            ["investor_id"],
            "investor_id",
        ),
        model(
            "dim_portfolios",
            {"portfolio_id": "uuid", "investor_id": "uuid"},
            ["portfolio_id"],
            "portfolio_id",
        ),
        model(
            "fct_portfolio_values_daily",
            values,
            ["portfolio_id", "valuation_date"],
            "portfolio_id",
            "valuation_date",
        ),
        model("dim_funds", {"instrument_id": "uuid", "scheme_name": "text"}, ["instrument_id"], "public"),
        model("fct_loads", {"load_id": "uuid", "status": "text"}, ["load_id"], "staff"),
    ]
    return {"nodes": {f"model.folio.{each['name']}": each for each in models}}


VALUES = {
    (ASHAS, D1): Decimal("100.10"),
    (ASHAS, D2): Decimal("101.10"),
    (BORISS, D1): Decimal("200.20"),
    (BORISS, D2): None,
}


def build(connection, values=VALUES):
    """Lay down what dbt would have built."""
    for name, definition in {
        "dim_investors": "investor_id uuid, household_id uuid, tax_unit_id uuid",
        "dim_portfolios": "portfolio_id uuid, investor_id uuid",
        "fct_portfolio_values_daily": """portfolio_id uuid, valuation_date date,
                                         value_portfolio numeric(28, 8), quality text""",
        "dim_funds": "instrument_id uuid, scheme_name text",
        "fct_loads": "load_id uuid, status text",
    }.items():
        connection.execute(f"drop table if exists build.{name}")
        connection.execute(f"create table build.{name} ({definition})")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into build.dim_investors values (%s, %s, %s)",
            [(each, each, each) for each in (ASHA, BORIS)],
        )
        cursor.executemany(
            "insert into build.dim_portfolios values (%s, %s)", [(ASHAS, ASHA), (BORISS, BORIS)]
        )
        cursor.executemany(
            "insert into build.fct_portfolio_values_daily values (%s, %s, %s, 'ok')",
            [(*key, value) for key, value in values.items()],
        )
        cursor.execute("insert into build.dim_funds values (%s, 'Demo Growth')", [uuid.UUID(int=21)])
        cursor.execute("insert into build.fct_loads values (%s, 'loaded')", [uuid.UUID(int=31)])


def touch_all(connection):
    connection.execute(
        """
        insert into build.touched (relation)
        values ('dim_investors'), ('dim_portfolios'), ('fct_portfolio_values_daily'),
               ('dim_funds'), ('fct_loads')
        """
    )


def publish(night, values=VALUES, touch=touch_all, contract=None):
    """Build, touch and publish in one go, as a night does."""
    nights.open_night(night)
    contract = contract or manifest()
    with connections.connect() as connection:
        build(connection, values)
        touch(connection)
    with connections.connect() as connection:
        store.provision(connection, contract)
        return store.publish(connection, contract, night)


def served():
    with connections.connect() as connection:
        rows = connection.execute(
            "select portfolio_id, valuation_date, value_portfolio from marts.fct_portfolio_values_daily"
        ).fetchall()
    return {(portfolio, day): value for portfolio, day, value in rows}


def history():
    """Every relation that publishing writes, as text: what must not change when nothing changed."""
    with connections.connect() as connection:
        relations = [
            row[0]
            for row in connection.execute(
                "select tablename from pg_tables where schemaname = 'history' order by 1"
            )
        ]
        return {
            relation: connection.execute(
                f"select md5(string_agg(t::text, '|' order by t::text)) from history.{relation} as t"
            ).fetchone()
            for relation in relations
        }


def test_the_first_publication_serves_what_was_built(warehouse):
    published = publish(FIRST)
    assert published is not None
    assert (published.ordinal, published.night, published.valuation_date) == (1, FIRST, D1)
    assert published.instant == datetime(2013, 2, 27, 3, tzinfo=UTC)
    assert published.changes["fct_portfolio_values_daily"] == {"opened": 4, "closed": 0}
    assert served() == VALUES


def indexes():
    with connections.connect() as connection:
        return set(
            connection.execute("select indexdef from pg_indexes where schemaname = 'history'").fetchall()
        )


MANY = {(ASHAS, D1 + timedelta(days=number)): Decimal(number) for number in range(store.LARGE)}


def touch_many(connection):
    touch_all(connection)
    connection.execute("analyze build.fct_portfolio_values_daily")


def test_a_first_filling_of_many_rows_leaves_the_indexes_that_there_were(warehouse):
    publish(FIRST, {})
    before = indexes()
    published = publish(SECOND, MANY, touch_many)
    assert published.changes["fct_portfolio_values_daily"] == {"opened": store.LARGE, "closed": 0}
    assert served() == MANY
    assert indexes() == before


def test_a_first_filling_of_many_rows_refuses_two_of_one_key(warehouse):
    def touch_twins(connection):
        connection.execute(
            "insert into build.fct_portfolio_values_daily "
            "select * from build.fct_portfolio_values_daily where valuation_date = %s",
            [D1],
        )
        touch_many(connection)

    with pytest.raises(PublicationError, match="two rows of one key"):
        publish(FIRST, MANY, touch_twins)
    assert publish(SECOND, MANY, touch_many).rows_opened > store.LARGE


def test_an_unchanged_night_publishes_nothing_and_changes_no_table(warehouse):
    publish(FIRST)
    before = history()
    assert publish(FIRST) is None
    assert publish(SECOND) is None
    assert history() == before
    with connections.connect() as connection:
        assert connection.execute("select count(*) from build.touched").fetchone() == (0,)


def test_a_restatement_closes_one_version_and_opens_one(warehouse):
    first = publish(FIRST)
    second = publish(SECOND, VALUES | {(ASHAS, D1): Decimal("100.20")})
    assert first is not None and second is not None
    assert second.changes == {"fct_portfolio_values_daily": {"opened": 1, "closed": 1}}
    with connections.connect() as connection:
        versions = connection.execute(
            """
            select value_portfolio, publication_id, known_from, known_to
            from history.fct_portfolio_values_daily
            where portfolio_id = %s and valuation_date = %s order by known_from
            """,
            [ASHAS, D1],
        ).fetchall()
    assert versions == [
        (Decimal("100.10"), first.publication_id, first.instant, second.instant),
        (Decimal("100.20"), second.publication_id, second.instant, None),
    ]


def test_a_figure_that_becomes_null_or_comes_back_is_a_change(warehouse):
    publish(FIRST)
    publish(SECOND, VALUES | {(ASHAS, D1): None, (BORISS, D2): Decimal(1)})
    assert served()[ASHAS, D1] is None
    assert served()[BORISS, D2] == 1


def test_a_vanished_row_is_closed(warehouse):
    publish(FIRST)
    left = {key: value for key, value in VALUES.items() if key != (BORISS, D2)}
    second = publish(SECOND, left)
    assert second is not None and (second.rows_opened, second.rows_closed) == (0, 1)
    assert served() == left


def test_a_second_publication_of_one_night_comes_after_the_first(warehouse):
    first = publish(FIRST)
    again = publish(FIRST, VALUES | {(ASHAS, D1): Decimal(7)})
    assert first is not None and again is not None
    assert again.instant == first.instant + store.STEP
    assert again.publication_id != first.publication_id


def test_publication_ids_are_made_of_night_and_ordinal(warehouse):
    first = publish(FIRST)
    assert first is not None
    assert first.publication_id == uuid.uuid5(store.NAMESPACE, f"{FIRST}:1")


def test_a_night_older_than_the_last_is_refused(warehouse):
    publish(SECOND)
    with connections.connect() as connection:
        connection.execute(
            "insert into ops.nights values (%s, '2013-02-27 03:00', '2013-02-26', '2013-02-27 03:00')",
            [FIRST],
        )
        connection.execute("update ops.night set night = %s", [FIRST])
    with pytest.raises(PublicationError, match="older than"), connections.connect() as connection:
        store.publish(connection, manifest(), FIRST)


def test_a_night_that_was_not_built_is_refused(warehouse):
    nights.open_night(FIRST)
    with (
        pytest.raises(PublicationError, match="not the one that was built"),
        connections.connect() as connection,
    ):
        store.publish(connection, manifest(), SECOND)


def test_only_touched_keys_and_days_are_compared(warehouse):
    publish(FIRST)
    changed = dict.fromkeys(VALUES, Decimal(9))

    def touch(connection):
        connection.execute(
            """
            insert into build.touched values ('fct_portfolio_values_daily', %s, %s)
            """,
            [str(ASHAS), D2],
        )

    publish(SECOND, changed, touch)
    assert served() == VALUES | {(ASHAS, D2): Decimal(9)}

    publish(
        SECOND,
        changed,
        lambda c: c.execute(
            "insert into build.touched values ('fct_portfolio_values_daily', null, %s)", [D2]
        ),
    )
    assert served() == VALUES | {(ASHAS, D2): Decimal(9), (BORISS, D2): Decimal(9)}

    publish(
        SECOND,
        changed,
        lambda c: c.execute(
            "insert into build.touched values ('fct_portfolio_values_daily', %s, null)", [str(BORISS)]
        ),
    )
    assert served() == changed | {(ASHAS, D1): VALUES[ASHAS, D1]}


def test_a_failed_publication_leaves_the_last_and_keeps_what_was_touched(warehouse):
    publish(FIRST)
    before = history()
    with pytest.raises(PublicationError, match="two rows of one key"):
        nights.open_night(SECOND)
        with connections.connect() as connection:
            build(connection, VALUES | {(ASHAS, D1): Decimal(5)})
            connection.execute("insert into build.dim_funds select * from build.dim_funds")
            connection.execute("update build.dim_funds set scheme_name = 'Twin'")
            touch_all(connection)
        with connections.connect() as connection:
            store.publish(connection, manifest(), SECOND)
    assert history() == before
    with connections.connect() as connection:
        assert connection.execute("select count(*) from build.touched").fetchone() == (5,)


def test_a_publisher_killed_in_the_middle_leaves_the_last_publication_whole(warehouse):
    publish(FIRST)
    before = history()
    nights.open_night(SECOND)
    with connections.connect() as connection:
        build(connection, dict.fromkeys(VALUES, Decimal(3)))
        touch_all(connection)
    publisher = connections.connect()
    pid = publisher.info.backend_pid
    failed = []

    def run():
        try:
            store.publish(publisher, manifest(), SECOND)
        except psycopg.OperationalError as error:
            failed.append(error)

    with connections.connect() as blocker, connections.connect() as watcher:
        watcher.autocommit = True
        blocker.execute("lock table history.publications in share row exclusive mode")
        thread = threading.Thread(target=run)
        thread.start()
        # the publisher has closed and opened versions and now waits to write its publication
        wait_until(
            lambda: watcher.execute(
                """
                select 1 from pg_stat_activity
                where pid = %s and wait_event_type = 'Lock'
                      and query like '%%insert into history.publications%%'
                """,
                [pid],
            ).fetchone()
        )
        watcher.execute("select pg_terminate_backend(%s)", [pid])
        thread.join(30)
        blocker.rollback()
    publisher.close()
    assert failed
    assert history() == before
    with connections.connect() as connection:
        again = store.publish(connection, manifest(), SECOND)
    assert again is not None
    assert served() == dict.fromkeys(VALUES, Decimal(3))


def wait_until(condition, seconds=30):
    """Ask again until a condition holds; the pause belongs to an event that nobody sets."""
    pause = threading.Event()
    for _ in range(seconds * 100):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("the awaited state did not come")


def test_readers_that_poll_never_see_half_a_publication(warehouse):
    publish(FIRST)
    done = threading.Event()
    mixed = []
    seen = set()

    def read():
        with connections.connect() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            while True:
                is_last = done.is_set()
                ordinal = connection.execute("select max(ordinal) from marts.publications").fetchone()[0]
                values = {
                    row[0]
                    for row in connection.execute(
                        "select value_portfolio from marts.fct_portfolio_values_daily"
                    )
                }
                connection.commit()
                seen.add(ordinal)
                if ordinal > 1 and values != {Decimal(ordinal)}:
                    mixed.append((ordinal, values))
                if is_last:
                    return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for ordinal in range(2, 7):
        publish(SECOND, dict.fromkeys(VALUES, Decimal(ordinal)))
    done.set()
    for thread in threads:
        thread.join(30)
    assert not mixed
    assert 6 in seen


def test_publishing_tells_those_who_listen(warehouse):
    with connections.connect() as listener:
        listener.autocommit = True
        listener.execute(f"listen {store.CHANNEL}")
        published = publish(FIRST)
        heard = next(listener.notifies(timeout=10, stop_after=1))
    assert published is not None
    assert heard.payload == str(published.publication_id)


def test_a_new_column_is_added_and_filled_without_losing_versions(warehouse):
    publish(FIRST)
    wider = manifest(
        values={
            "portfolio_id": "uuid",
            "valuation_date": "date",
            "note": "varchar",
            "value_portfolio": "numeric(28,8)",
            "quality": "text",
        }
    )
    nights.open_night(SECOND)
    with connections.connect() as connection:
        build(connection)
        connection.execute("alter table build.fct_portfolio_values_daily add column note text default 'new'")
        touch_all(connection)
    with connections.connect() as connection:
        store.provision(connection, wider)
        second = store.publish(connection, wider, SECOND)
        notes = connection.execute("select distinct note from marts.fct_portfolio_values_daily").fetchall()
        kept = connection.execute(
            """
            select count(*) from history.fct_portfolio_values_daily
            where note is null and known_to is not null
            """
        ).fetchone()
    assert second is not None
    assert notes == [("new",)]
    assert kept == (4,)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"portfolio_id": "uuid", "valuation_date": "date", "quality": "text"},
            "no longer has value_portfolio",
        ),
        (
            {
                "portfolio_id": "uuid",
                "valuation_date": "date",
                "value_portfolio": "numeric(20, 12)",
                "quality": "text",
            },
            r"changes the type of value_portfolio from numeric\(28,8\) to numeric\(20,12\)",
        ),
        (
            {
                "portfolio_id": "uuid",
                "valuation_date": "date",
                "value_portfolio": "numbers",
                "quality": "text",
            },
            "unknown data types: numbers",
        ),
    ],
)
def test_a_contract_that_history_cannot_follow_is_refused_with_what_to_do(warehouse, columns, told):
    publish(FIRST)
    with pytest.raises(PublicationError, match=told), connections.connect() as connection:
        store.provision(connection, manifest(values=columns))


def test_a_mart_without_key_or_access_is_refused(warehouse):
    broken = manifest()
    broken["nodes"]["model.folio.dim_funds"]["config"]["meta"] = {"row_access": "everyone"}
    with pytest.raises(PublicationError, match=r"meta\.key is missing; meta\.row_access is 'everyone'"):
        store.marts(broken)


def test_provisioning_again_runs_no_command_that_would_block_readers(warehouse):
    publish(FIRST)
    with connections.connect() as connection, connections.connect() as reader:
        reader.execute("select * from marts.fct_portfolio_values_daily").fetchall()
        connection.execute("set local lock_timeout = '2s'")
        store.provision(connection, manifest())


def test_views_tables_and_columns_carry_their_descriptions(warehouse):
    publish(FIRST)
    with connections.connect() as connection:
        comments = connection.execute(
            """
            select obj_description('marts.dim_funds'::regclass),
                   col_description('marts.dim_funds'::regclass, 2),
                   col_description('history.dim_funds'::regclass, 4)
            """
        ).fetchone()
    assert comments == (
        "Trial of dim_funds.",
        "Column scheme_name of dim_funds.",
        store.VERSION_COLUMNS["known_from"][1],
    )


# who sees what


def key_for(*investors, scope="client"):
    """Hash of a key that sees these investors."""
    with connections.connect() as connection:
        load_id = uuid.uuid4()
        connection.execute(
            """
            insert into raw.loads (load_id, source, dataset, slot, attempt, request, status)
            values (%s, 'books', 'investors', %s, 1, '', 'running')
            """,
            [load_id, str(load_id)],
        )
        for investor in investors:
            connection.execute(
                "insert into raw.identities values ('investor', %s, %s, %s) on conflict do nothing",
                [f"INV-{investor.int}", investor, load_id],
            )
        secret = create_key(connection, "trial", scope, [f"INV-{investor.int}" for investor in investors])
    return hashed(secret)


def rows_seen(warehouse, key_hash, relation, column="portfolio_id", schema="marts", role=roles.API):
    with psycopg.connect(roles.login_dsn(warehouse, role)) as connection:
        if key_hash:
            connection.execute("select set_config('folio.key_hash', %s, true)", [key_hash])
        return {row[0] for row in connection.execute(f"select {column} from {schema}.{relation}")}


@pytest.mark.parametrize("schema", ["marts", "history"])
def test_a_key_sees_its_own_investors_rows_and_no_others(warehouse, schema):
    publish(FIRST)
    ashas, boriss = key_for(ASHA), key_for(BORIS)
    for relation in ("dim_portfolios", "fct_portfolio_values_daily"):
        assert rows_seen(warehouse, ashas, relation, schema=schema) == {ASHAS}
        assert rows_seen(warehouse, boriss, relation, schema=schema) == {BORISS}
    assert rows_seen(warehouse, ashas, "dim_investors", "investor_id", schema=schema) == {ASHA}
    assert len(rows_seen(warehouse, ashas, "dim_funds", "instrument_id", schema=schema)) == 1
    assert rows_seen(warehouse, ashas, "fct_loads", "load_id", schema=schema) == set()


def test_an_analyst_sees_every_row(warehouse):
    publish(FIRST)
    key = key_for(scope="analyst")
    assert rows_seen(warehouse, key, "fct_portfolio_values_daily") == {ASHAS, BORISS}
    assert len(rows_seen(warehouse, key, "fct_loads", "load_id")) == 1


@pytest.mark.parametrize("key_hash", [None, "", "0" * 64])
def test_without_a_valid_key_the_api_role_sees_no_row(warehouse, key_hash):
    publish(FIRST)
    for relation in (
        "dim_investors",
        "dim_portfolios",
        "fct_portfolio_values_daily",
        "dim_funds",
        "fct_loads",
    ):
        for schema in ("marts", "history"):
            assert rows_seen(warehouse, key_hash, relation, "known_from", schema=schema) == set()


def test_a_revoked_or_expired_key_sees_no_row(warehouse):
    publish(FIRST)
    revoked, expired = key_for(ASHA), key_for(BORIS)
    with connections.connect() as connection:
        connection.execute("update access.api_keys set revoked_at = now() where key_hash = %s", [revoked])
        connection.execute(
            "update access.api_keys set expires_at = now() - interval '1 second' where key_hash = %s",
            [expired],
        )
    assert rows_seen(warehouse, revoked, "dim_portfolios") == set()
    assert rows_seen(warehouse, expired, "dim_portfolios") == set()


def test_a_key_does_not_outlive_its_transaction(warehouse):
    publish(FIRST)
    key = key_for(ASHA)
    with psycopg.connect(roles.login_dsn(warehouse, roles.API)) as connection:
        connection.execute("select set_config('folio.key_hash', %s, true)", [key])
        assert connection.execute("select 1 from marts.dim_portfolios").fetchone()
        connection.commit()
        assert connection.execute("select 1 from marts.dim_portfolios").fetchone() is None


def test_business_intelligence_sees_all_marts_but_no_names(warehouse):
    publish(FIRST)
    with connections.connect() as connection:
        connection.execute("set role folio_bi")
        assert connection.execute("select count(*) from marts.dim_portfolios").fetchone() == (2,)
        assert connection.execute("select count(*) from marts.fct_loads").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select name from raw.book_investors")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from history.dim_funds",
        "insert into marts.dim_funds (instrument_id) values (gen_random_uuid())",
        "select * from access.api_keys",
        "select * from build.dim_funds",
        "select * from raw.book_investors",
    ],
)
def test_the_api_role_can_neither_write_nor_look_behind_the_marts(warehouse, statement):
    publish(FIRST)
    with (
        psycopg.connect(roles.login_dsn(warehouse, roles.API)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


# touches


def land_price(connection, day, observed_at, slot):
    load_id = uuid.uuid4()
    connection.execute(
        """
        insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, payload_sha256,
                               observed_at, finished_at)
        values (%s, 'polygon', 'daily_bars', %s, 1, '', 'loaded', 'x', %s, clock_timestamp())
        """,
        [load_id, slot, observed_at],
    )
    connection.execute(
        "insert into raw.polygon_daily_bars "
        "(session_date, ticker, close, observed_at, known_basis, load_id, line) "
        "values (%s, 'AAPL', 1, %s, 'observed', %s, 1)",
        [day, observed_at, load_id],
    )


def test_a_first_night_and_a_change_of_code_touch_everything(warehouse):
    nights.open_night(FIRST)
    with connections.connect() as connection:
        build(connection)
    assert set(touches.mark(FIRST, manifest()).values()) == {None}


def test_touches_reach_back_to_the_earliest_new_fact_and_publish_what_a_full_compare_would(warehouse):
    publish(FIRST)
    publish(SECOND, VALUES | {(ASHAS, D2): Decimal("101.20")})
    nights.open_night(THIRD)
    day = date(2013, 2, 28)
    with connections.connect() as connection:
        values = VALUES | {
            (ASHAS, D2): Decimal("101.30"),
            (ASHAS, day): Decimal(1),
            (BORISS, day): Decimal(2),
        }
        build(connection, values)
        land_price(connection, D2, datetime(2013, 3, 1, 2, tzinfo=UTC), "late")
    found = touches.mark(THIRD, manifest())
    assert found["fct_portfolio_values_daily"] == D2
    assert found["dim_funds"] is None
    with connections.connect() as connection:
        third = store.publish(connection, manifest(), THIRD)
    assert third is not None and third.changes == {"fct_portfolio_values_daily": {"opened": 3, "closed": 1}}
    assert served() == values


def test_touches_find_days_of_which_rows_came_or_went_without_a_new_fact(warehouse):
    publish(FIRST)
    publish(SECOND, VALUES | {(ASHAS, D2): Decimal("101.20")})
    nights.open_night(THIRD)
    left = {(ASHAS, D2): Decimal("101.20"), (BORISS, D2): None, (BORISS, D1): Decimal("200.20")}
    with connections.connect() as connection:
        build(connection, left)
    assert touches.mark(THIRD, manifest())["fct_portfolio_values_daily"] == D1
    with connections.connect() as connection:
        store.publish(connection, manifest(), THIRD)
    assert served() == left


def test_a_changed_booking_touches_every_day_it_ever_had(warehouse):
    publish(FIRST)
    publish(SECOND, VALUES | {(ASHAS, D2): Decimal("101.20")})
    nights.open_night(THIRD)
    with connections.connect() as connection:
        build(connection, VALUES | {(ASHAS, D2): Decimal("101.20")})
        for trade_date, observed_at, finished_at in (
            ("2013-01-10", "2013-01-11", "2001-01-01"),
            ("2013-02-27", "2013-02-28 20:00", "2001-01-01"),
        ):
            load_id = uuid.uuid4()
            connection.execute(
                """
                insert into raw.loads (load_id, source, dataset, slot, attempt, request, status,
                                       payload_sha256, observed_at, finished_at)
                values (%s, 'books', 'transactions', %s, 1, '', 'loaded', 'x', %s, %s)
                """,
                [load_id, str(load_id), observed_at, finished_at],
            )
            connection.execute(
                """
                insert into raw.book_transactions (
                    transaction_key, transaction_id, account_key, kind, trade_date,
                    currency, fee, tax, status, observed_at, known_basis, load_id, line)
                values ('A|1', %s, 'A', 'buy', %s, 'USD', 0, 0, 'settled', %s, 'observed', %s, 1)
                """,
                [uuid.UUID(int=5), trade_date, observed_at, load_id],
            )
    assert touches.mark(THIRD, manifest())["fct_portfolio_values_daily"] == date(2013, 1, 10)


def test_marking_twice_adds_nothing(warehouse):
    nights.open_night(FIRST)
    with connections.connect() as connection:
        build(connection)
    touches.mark(FIRST, manifest())
    touches.mark(FIRST, manifest())
    with connections.connect() as connection:
        assert connection.execute("select count(*) from build.touched").fetchone() == (5,)


# restatements


def holdings_manifest():
    contract = manifest()
    contract["nodes"]["model.folio.fct_holdings"] = model(
        "fct_holdings",
        {
            "account_id": "uuid",
            "portfolio_id": "uuid",
            "instrument_id": "uuid",
            "valuation_date": "date",
            "units": "numeric(38, 18)",
            "price_local": "numeric(28, 10)",
            "price_date": "date",
            "price_load_id": "uuid",
            "price_line": "integer",
            "fx_to_portfolio": "numeric(28, 12)",
            "value_portfolio": "numeric(28, 8)",
        },
        ["account_id", "instrument_id", "valuation_date"],
        "portfolio_id",
        "valuation_date",
    )
    return contract


def publish_holding(night, *, units="10", price="100.10", price_date=D1, load=61, fx="1", value="1001"):
    contract = holdings_manifest()
    nights.open_night(night)
    with connections.connect() as connection:
        build(connection)
        connection.execute("drop table if exists build.fct_holdings")
        connection.execute(
            """
            create table build.fct_holdings (
                account_id uuid, portfolio_id uuid, instrument_id uuid, valuation_date date,
                units numeric(38, 18), price_local numeric(28, 10), price_date date, price_load_id uuid,
                price_line integer, fx_to_portfolio numeric(28, 12), value_portfolio numeric(28, 8)
            )
            """
        )
        connection.execute(
            "insert into build.fct_holdings values (%s, %s, %s, %s, %s, %s, %s, %s, 7, %s, %s)",
            [
                uuid.UUID(int=71),
                ASHAS,
                uuid.UUID(int=81),
                D1,
                units,
                price,
                price_date,
                uuid.UUID(int=load),
                fx,
                value,
            ],
        )
        connection.execute(
            """
            insert into raw.loads (load_id, source, dataset, slot, attempt, request, status)
            values (%s, 'amfi', 'navs', %s, 1, '', 'running') on conflict do nothing
            """,
            [uuid.UUID(int=load), f"slot {load}"],
        )
        touch_all(connection)
        connection.execute("insert into build.touched (relation) values ('fct_holdings')")
    with connections.connect() as connection:
        store.provision(connection, contract)
        return store.publish(connection, contract, night)


def restated():
    with connections.connect() as connection:
        return connection.execute(
            """
            select figure, old_value, new_value, cause, new_price_load_id, new_price_line, new_source
            from marts.fct_restatements where relation = 'fct_holdings' order by figure
            """
        ).fetchall()


def test_a_restated_price_is_told_also_where_the_value_stays_equal(warehouse):
    publish_holding(FIRST)
    publish_holding(SECOND, price="100.1000000001", load=62)
    cause = f"price of {D1} restated by load amfi navs slot 62"
    assert restated() == [
        ("price_local", Decimal("100.10"), Decimal("100.1000000001"), cause, uuid.UUID(int=62), 7, "amfi")
    ]


@pytest.mark.parametrize(
    ("changes", "figures", "cause"),
    [
        (
            {"price": "100.20", "value": "1002", "load": 62},
            {"price_local", "value_portfolio"},
            f"price of {D1} restated by load amfi navs slot 62",
        ),
        (
            {"price": "99", "price_date": date(2013, 2, 25), "value": "990", "load": 62},
            {"value_portfolio"},
            "price of 2013-02-25 arrived by load amfi navs slot 62",
        ),
        ({"units": "9", "value": "900.90"}, {"value_portfolio"}, "units restated by the books"),
        ({"fx": "1.1", "value": "1101.10"}, {"value_portfolio"}, "exchange rate restated"),
        ({"value": "1000"}, {"value_portfolio"}, "computed anew"),
        ({"load": 62}, set(), None),
    ],
)
def test_a_restatement_names_its_cause(warehouse, changes, figures, cause):
    publish_holding(FIRST)
    publish_holding(SECOND, **changes)
    found = restated()
    assert {row[0] for row in found} == figures
    assert {row[3] for row in found} <= {cause}


def test_restatements_are_seen_only_by_those_who_see_the_portfolio(warehouse):
    publish_holding(FIRST)
    publish_holding(SECOND, value="1000")
    assert rows_seen(warehouse, key_for(ASHA), "fct_restatements") == {ASHAS}
    assert rows_seen(warehouse, key_for(BORIS), "fct_restatements") == set()
    assert rows_seen(warehouse, None, "fct_restatements") == set()
