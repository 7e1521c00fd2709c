"""The synthetic book of any size: as large as asked, readable, and the same each time."""

from pathlib import Path

from folio.books.known import Known
from folio.books.reading import read
from folio.books.recognise import FORMATS
from folio.books.resolve import with_reading
from folio.demo import market, scale


def test_it_is_as_large_as_asked_and_every_row_would_load(tmp_path: Path) -> None:
    scale.write(tmp_path / "market", tmp_path / "drop", accounts=5, instruments=3, years=2)
    known, rows = Known(), {}
    written = {path.name: path for path in (tmp_path / "drop").iterdir()}
    for kind in FORMATS:
        file = written.pop(f"2013-02-28T0000Z_{kind.dataset}.csv", None)
        if file is None:
            continue  # a kind that this book does without
        reading = read(file.read_bytes(), known)
        assert not reading.rejected
        known = with_reading(known, reading)
        rows[kind.dataset] = len(reading.accepted)
    assert not written
    assert (rows["accounts"], rows["portfolios"], rows["instruments"]) == (5, 3, 3)
    assert rows["transactions"] > 5 * (1 + 3 + 2 * 12)
    assert len(market.read(tmp_path / "market").bars) == 3 * len(scale.sessions(scale.LAST_DAY, 2))


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    there, again = (
        scale.write(tmp_path / name / "market", tmp_path / name / "drop", accounts=3, instruments=2, years=1)
        for name in ("a", "b")
    )
    assert [p.read_bytes() for p in there] == [p.read_bytes() for p in again]


def test_later_sessions_add_prices_and_leave_the_book_as_it_was(tmp_path: Path) -> None:
    for sessions in (0, 2):
        home = tmp_path / str(sessions)
        scale.write(
            home / "market", home / "drop", accounts=2, instruments=2, years=1, later_sessions=sessions
        )
    short, long = (market.read(tmp_path / name / "market").bars for name in ("0", "2"))
    assert len(long) == len(short) + 2 * 2
    books = [sorted((tmp_path / name / "drop").iterdir()) for name in ("0", "2")]
    assert [p.read_bytes() for p in books[0]] == [p.read_bytes() for p in books[1]]
