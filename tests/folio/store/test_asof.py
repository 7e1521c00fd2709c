"""A scratch database holds the facts known at an instant and no later one; the warehouse is only read."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from folio.sources import landing
from folio.sources.landing import Ask, Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.store import asof
from folio.store import warehouse as connections

INSTANT = datetime(2020, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def scratch(warehouse: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes the scratch database of 2020-01-02 03:00 after loads of three days; dropped at the end."""

    def parse(body: bytes, load: Load) -> Batch:
        return Batch("amfi_navs", [(date(2020, 1, 1), 1, int(body), 1)], [Rejected(2, "bad", "x")])

    with connections.connect() as connection:
        for day in (1, 2, 3):
            landing.take_in(
                connection,
                Ask("amfi", "navs", str(day), None, "test"),
                lambda day=day: Payload(f"{10 + day}".encode(), datetime(2020, 1, day, 3, tzinfo=UTC)),  # type: ignore[misc]
                parse,
                folder=tmp_path,
            )
        connection.execute(
            "insert into ops.nights values ('2020-01-02T0300Z', %s, '2020-01-01', %s)", (INSTANT, INSTANT)
        )
    yield lambda: asof.create(INSTANT, INSTANT)
    asof.drop(INSTANT)


def test_it_holds_what_was_known_and_the_warehouse_keeps_the_rest(scratch: Callable[[], str]) -> None:
    for _ in range(2):  # made anew where it is there already
        url = scratch()
        with connections.connect(url) as connection:
            assert connection.execute("select nav::int from raw.amfi_navs order by 1").fetchall() == [
                (11,),
                (12,),
            ]
            assert connection.execute("select slot from raw.loads order by 1").fetchall() == [("1",), ("2",)]
            assert connection.execute("select count(*) from raw.rejected_rows").fetchone() == (2,)
            assert connection.execute("select night from ops.nights").fetchall() == [("2020-01-02T0300Z",)]
    with connections.connect() as connection:
        assert connection.execute("select count(*) from raw.amfi_navs").fetchone() == (3,)
    assert asof.drop(INSTANT)
    assert not asof.drop(INSTANT)
