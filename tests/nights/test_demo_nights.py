"""What the demo's nights leave behind, and that running them again leaves the same."""

from datetime import UTC, datetime

import psycopg
import pytest

from folio.errors import GateError
from folio.jobs import gates, nights, pipeline, touches


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


def test_each_night_is_one_publication(demo, demo_nights):
    published = rows(demo_nights, "select ordinal, night from history.publications order by ordinal")
    assert published == list(enumerate(demo.nights, start=1))


def test_every_load_adds_up(demo_nights):
    assert rows(demo_nights, "select count(*) from raw.loads where status = 'loaded'")[0][0] > 1000
    assert not rows(
        demo_nights,
        "select load_id from raw.loads "
        "where rows_seen <> rows_new + rows_changed + rows_same + rows_rejected and status = 'loaded'",
    )


def test_bad_lines_of_the_book_are_kept_with_their_reason(demo_nights):
    rejected = rows(
        demo_nights,
        "select line, rejected.reason, content from raw.rejected_rows as rejected "
        "join raw.loads using (load_id) where source = 'books' order by slot, line",
    )
    assert any("date" in reason for _, reason, _ in rejected)
    assert any("instrument" in reason for _, reason, _ in rejected)
    assert all(line > 1 and content for line, _, content in rejected)


def test_an_oversold_row_is_refused_by_the_ledger_and_moves_nothing(demo_nights):
    refused = rows(
        demo_nights,
        "select rejection_reason, net_cash_account from build.fct_transactions where is_rejected",
    )
    assert len(refused) == 1
    assert "units where" in refused[0][0]


@pytest.mark.parametrize(("place", "built_anew"), [(0, False), (2, False), (2, True)])
def test_running_a_night_again_changes_no_table(demo, relations_of, place, built_anew):
    with demo.copy(nights_done=3) as dsn:
        before = relations_of(dsn)
        if built_anew:
            touches.distrust()
        pipeline.run_night(demo.nights[place])
        after = relations_of(dsn)
    assert {name for name in before if before[name] != after.get(name)} == set()


def test_a_broken_identity_stops_publication_and_is_recorded(demo):
    with demo.copy(nights_done=3) as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "update build.fct_holdings set value_portfolio = value_portfolio + 1 "
                "where valuation_date = (select valuation_date from ops.night)"
            )
        with pytest.raises(GateError, match="holdings_add_up_to_the_portfolio"):
            gates.check_identities(demo.nights[2])
        assert rows(
            dsn,
            "select status from ops.check_results where night = %s and check_name = %s",
            demo.nights[2],
            "holdings_add_up_to_the_portfolio",
        ) == [("failed",)]


def test_a_night_older_than_the_last_is_skipped(demo):
    with demo.copy(nights_done=3):
        steps = pipeline.run_night(demo.nights[0])
        assert steps[-1].name == "open night"
        assert not nights.open_night(demo.nights[1])


def test_known_from_of_a_night_is_its_instant(demo_nights):
    assert rows(demo_nights, "select distinct known_from from history.fct_holdings order by 1")[0][
        0
    ] == datetime(2013, 2, 28, 3, tzinfo=UTC)
