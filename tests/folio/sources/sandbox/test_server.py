"""The sandbox answers as the providers would have at an instant."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from folio.errors import ServiceError
from folio.sources.sandbox import Fault, Sandbox, recorded_instants

NAVALL = "/spages/NAVAll.txt"
HEADER = "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date\r\n"
HTML = b"<html>\r\n<head><title>404 Not Found</title></head>\r\n</html>"


@pytest.fixture
def sandbox(demo_folder: Path) -> Iterator[Sandbox]:
    with Sandbox(demo_folder) as running:
        yield running


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, body in {
        "NAVAll_2025-03-08_other-mirror.txt.gz": b"first",
        "NAVAll_2025-07-26T0308.txt.gz": b"second",
        "NAVAll_2025-09-14T0244.txt.gz": HTML,
    }.items():
        (folder / name).write_bytes(gzip.compress(body))
    (folder / "NAVAll_2025-10-04T0233.txt").write_bytes(b"fourth")
    (folder / "README.md").write_text("no recording")
    return folder


def ask(sandbox: Sandbox, path: str, as_of: str | None = None, **query: str) -> requests.Response:
    headers = {"Authorization": "Bearer key", **({"Folio-As-Of": as_of} if as_of else {})}
    return requests.get(sandbox.url + path, params=query, headers=headers, timeout=10)


def test_navs_of_a_day_are_known_that_evening(sandbox: Sandbox) -> None:
    noon, evening = (ask(sandbox, NAVALL, f"2013-02-27T{hour}:00:00+00:00") for hour in ("17", "18"))
    assert "26-Feb-2013" in noon.text
    assert "27-Feb-2013" not in noon.text
    assert evening.text == HEADER + (
        " \r\nOpen Ended Schemes(Debt Scheme - Gilt Fund)\r\n \r\nFolio Demo Mutual Fund\r\n \r\n"
        "900002;INF000A01029;-;Demo Bond Fund;55.13;27-Feb-2013\r\n"
        " \r\nOpen Ended Schemes(Equity Scheme - Flexi Cap Fund)\r\n \r\nFolio Demo Mutual Fund\r\n \r\n"
        "900001;INF000A01011;-;Demo Growth Fund;101.5;27-Feb-2013\r\n"
    )
    assert evening.headers["Folio-Recorded-At"] == "2013-02-27T18:00:00+00:00"
    assert ask(sandbox, NAVALL, "2013-02-01T00:00:00+00:00").text == HEADER


def test_the_history_report_holds_the_days_asked_for(sandbox: Sandbox) -> None:
    report = ask(sandbox, "/DownloadNAVHistoryReport_Po.aspx", frmdt="26-Feb-2013", todt="26-Feb-2013").text
    assert "900001;Demo Growth Fund;INF000A01011;;101.2500;;;26-Feb-2013\r\n" in report
    assert "27-Feb-2013" not in report
    assert ask(sandbox, "/DownloadNAVHistoryReport_Po.aspx", frmdt="soon", todt="later").status_code == 400


def test_bars_are_known_after_the_close_and_before_that_refused(sandbox: Sandbox) -> None:
    path = "/v2/aggs/grouped/locale/us/market/stocks/2013-02-27"
    early = ask(sandbox, path, "2013-02-27T21:59:00+00:00", adjusted="false")
    assert (early.status_code, early.json()["status"]) == (403, "NOT_AUTHORIZED")
    late = ask(sandbox, path, "2013-02-28T03:00:00+00:00", adjusted="false").json()
    assert late["results"] == [
        {"T": "AAPL", "v": 20976800, "o": 448.43, "c": 444.57, "h": 452.44, "l": 440.65, "t": 1361998800000}
    ]
    assert ask(sandbox, path.replace("27", "24")).json()["resultsCount"] == 0


def test_polygon_wants_a_key(sandbox: Sandbox) -> None:
    path = f"{sandbox.url}/v3/reference/splits"
    assert requests.get(path, timeout=10).status_code == 401
    assert requests.get(path, params={"apiKey": "key"}, timeout=10).status_code == 200


def test_rates_of_a_day_are_known_in_the_afternoon(sandbox: Sandbox) -> None:
    daily = "/stats/eurofxref/eurofxref.csv"
    assert ask(sandbox, daily, "2013-02-27T14:59:00+00:00").text.splitlines()[1].startswith("2013-02-26,")
    assert ask(sandbox, daily, "2013-02-27T15:00:00+00:00").text.splitlines()[1].startswith("2013-02-27,")
    history = ask(sandbox, "/stats/eurofxref/eurofxref-hist.csv", "2013-02-27T14:59:00+00:00").text
    assert [line[:10] for line in history.splitlines()] == ["Date,USD,I", "2013-02-26", "2007-12-31"]
    assert ask(sandbox, "/stats/eurofxref/eurofxref-hist.zip").content[:2] == b"PK"
    assert ask(sandbox, "/stats/eurofxref/other.csv").status_code == 404


def test_recordings_answer_as_of_an_instant_as_they_were(recordings: Path) -> None:
    with Sandbox(recordings) as sandbox:
        exact = ask(sandbox, NAVALL, "2025-07-26T03:08:00+00:00")
        assert (exact.content, exact.headers["Folio-Recorded-At"]) == (b"second", "2025-07-26T03:08:00+00:00")
        assert ask(sandbox, NAVALL, "2025-07-26T03:07:00+00:00").content == b"first"
        page = ask(sandbox, NAVALL, "2025-09-20T00:00:00+00:00")
        assert (page.status_code, page.content) == (404, HTML)
        assert ask(sandbox, NAVALL).content == b"fourth"
        assert ask(sandbox, NAVALL, "2025-03-07T23:59:00+00:00").status_code == 404
        assert ask(sandbox, "/v2/aggs/grouped/locale/us/market/stocks/2025-07-25").json()["resultsCount"] == 0
        assert ask(sandbox, "/v3/reference/splits").json()["results"] == []
        assert ask(sandbox, "/stats/eurofxref/eurofxref.csv").status_code == 404


def test_the_ecbs_history_beside_recordings_answers_as_of_an_instant(
    recordings: Path, demo_folder: Path
) -> None:
    (recordings / "eurofxref-hist.csv.gz").write_bytes(gzip.compress((demo_folder / "fx.csv").read_bytes()))
    with Sandbox([recordings]) as sandbox:
        answer = ask(sandbox, "/stats/eurofxref/eurofxref.csv", "2013-02-27T03:00:00+00:00")
        assert answer.text.splitlines()[1].startswith("2013-02-26,")


def test_instants_of_recordings_come_in_order_and_untimed_ones_count_as_midnight(recordings: Path) -> None:
    assert recorded_instants(recordings) == [
        datetime(2025, 3, 8, tzinfo=UTC),
        datetime(2025, 7, 26, 3, 8, tzinfo=UTC),
        datetime(2025, 9, 14, 2, 44, tzinfo=UTC),
        datetime(2025, 10, 4, 2, 33, tzinfo=UTC),
    ]
    with pytest.raises(ServiceError, match="there is no folder"):
        recorded_instants(recordings / "missing")


def test_faults_are_switched_by_requests_and_counted_down(sandbox: Sandbox) -> None:
    control = f"{sandbox.url}/_faults"
    fault = {"path": "/spages", "kind": "429", "times": 2, "retry_after": 3}
    assert requests.post(control, json=[fault], timeout=10).status_code == 200
    assert requests.get(control, timeout=10).json()[0]["times"] == 2
    first = ask(sandbox, NAVALL)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert [ask(sandbox, NAVALL).status_code for _ in range(2)] == [429, 200]
    requests.post(control, json={"path": "/", "kind": "500"}, timeout=10)
    assert ask(sandbox, NAVALL).status_code == 500
    requests.delete(control, timeout=10)
    assert ask(sandbox, NAVALL).status_code == 200
    for wrong in ({"path": "/", "kind": "flood"}, {"kind": "500"}, {"path": "/", "kind": "500", "often": 1}):
        assert requests.post(control, json=wrong, timeout=10).status_code == 400


def test_faults_are_read_from_a_file_whenever_it_changes(demo_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    with Sandbox(demo_folder, faults_file=file) as sandbox:
        assert ask(sandbox, NAVALL).status_code == 200
        file.write_text(json.dumps([{"path": "/spages", "kind": "html_404"}]))
        assert ask(sandbox, NAVALL).status_code == 404
        file.unlink()
        assert ask(sandbox, NAVALL).status_code == 200


def test_a_stall_ends_when_the_sandbox_stops(demo_folder: Path) -> None:
    with Sandbox(demo_folder) as sandbox:
        sandbox.faults.switch_on(Fault("/", "stall", seconds=600))
        with pytest.raises(requests.Timeout):
            requests.get(sandbox.url + NAVALL, timeout=0.2)


def test_it_runs_as_a_program_until_told_to_stop(demo_folder: Path) -> None:
    command = [sys.executable, "-m", "folio.sources.sandbox", "--folder", str(demo_folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            assert requests.get(f"{url}/_health", timeout=10).json() == {"status": "ok"}
        finally:
            process.terminate()
        assert process.wait(timeout=20) == 0


def test_a_folder_that_cannot_be_served_is_said_plainly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "folio.sources.sandbox", "--folder", str(tmp_path / "missing")]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert ended.returncode == 2
    assert "no folder to answer from" in ended.stderr
