"""The client of InfluxDB against a real engine: what is written is read, and every refusal is named."""

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from folio.errors import InfluxAway, InfluxError
from folio.settings import Settings
from folio.store.influx import SHARD_WEEKS, Influx

NOON = 1361880000_000_000_000
"""2013-02-26 12:00 UTC in nanoseconds."""


def values(bucket: Influx, question: str) -> list[tuple]:
    return [row for series in bucket.query(question) for row in series.rows]


def test_what_is_written_is_read_back(influx):
    assert influx.write([f"prices,code=A close=448.97,volume=17870800 {NOON}"]) == 1
    assert values(influx, "SELECT close, volume FROM prices") == [(NOON, Decimal("448.97"), 17870800)]


def test_timestamps_are_nanoseconds(influx):
    influx.write([f"prices,code=A close={number} {NOON + number}" for number in (1, 2, 3)])
    assert values(influx, "SELECT close FROM prices") == [(NOON + number, number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "number", ["0.1", "123456789012.345", "0.000000012345", "-0.07", "99999999999999.9", "12345678901234567"]
)
def test_numbers_keep_what_float64_keeps(influx, number):
    """Fifteen significant digits are exact; the last number has seventeen and comes back as its neighbour."""
    influx.write([f"prices,code=A close={number} {NOON}"])
    ((_, read),) = values(influx, "SELECT close FROM prices")
    assert float(read) == float(number)
    assert (Decimal(read) == Decimal(number)) == (len(number.strip("-0.").replace(".", "")) <= 15)


def test_a_point_written_again_is_overwritten(influx):
    for close in ("448.97", "444.57"):
        influx.write([f"prices,code=A close={close} {NOON}"])
    assert values(influx, "SELECT close FROM prices") == [(NOON, Decimal("444.57"))]


def test_a_tag_may_hold_any_text(influx):
    influx.write([rf"prices,code=O'\ B\,\=\"é close=1 {NOON}"])
    ((series),) = influx.query("SELECT close FROM prices GROUP BY code")
    assert "é" in series.tags["code"]


def test_points_are_kept_for_ever_in_long_shards(influx):
    influx.provision()
    if influx._version().startswith("2"):
        pytest.skip("InfluxDB 2 shows shards by its own API only")
    ((_, kept, shard, *_),) = values(influx, f'SHOW RETENTION POLICIES ON "{influx.bucket}"')
    assert (kept, shard) == ("0s", f"{SHARD_WEEKS * 7 * 24}h0m0s")


def test_a_line_that_cannot_be_read_is_refused_by_name(influx):
    with pytest.raises(InfluxError, match=r"HTTP (400|422).*close"):
        influx.write([f"prices,code=A close= {NOON}"])


def test_a_write_of_which_only_a_part_was_taken_is_an_error(influx):
    influx.write([f"prices,code=A close=1 {NOON}"])
    with pytest.raises(InfluxError, match=r"took only some points: HTTP (400|422).*close"):
        influx.write([f'prices,code=A close="dear" {NOON}', f"prices,code=B close=2 {NOON}"])


@pytest.mark.parametrize("question", ["SELECT nonsense(", "SELECT nonsense(close) FROM prices"])
def test_a_question_that_makes_no_sense_is_an_error_whatever_the_status_says(influx, question):
    influx.write([f"prices,code=A close=1 {NOON}"])
    with pytest.raises(InfluxError, match="did not answer"):
        influx.query(question)


def test_a_wrong_token_is_told_and_not_shown(influx):
    stranger = Influx(influx.url, "wr0ng-s3cret", influx.org, influx.bucket)
    for attempt in (
        lambda: stranger.write([f"prices,code=A close=1 {NOON}"]),
        lambda: stranger.query("SELECT close FROM prices"),
    ):
        with pytest.raises(InfluxError, match=r"does not take the token: HTTP 40[13]") as refused:
            attempt()
        assert "wr0ng-s3cret" not in str(refused.value)
        assert not isinstance(refused.value, InfluxAway)
    assert "wr0ng-s3cret" not in stranger.target


def test_an_engine_that_is_away_is_told_apart_from_one_that_refuses(own_influx_engine):
    bucket = Influx(own_influx_engine.url, own_influx_engine.token, "folio", "away")
    bucket.provision()
    own_influx_engine.kill()
    for attempt in (
        lambda: bucket.write([f"prices,code=A close=1 {NOON}"]),
        lambda: bucket.query("SELECT close FROM prices"),
        bucket.provision,
    ):
        with pytest.raises(InfluxAway, match="does not answer"):
            attempt()


def test_without_a_url_there_is_no_bucket():
    assert Influx.of(Settings(_env_file=None, influx_url=None)) is None


# ---- InfluxDB 2's own API, as its reference describes it: the engine of the other tests has none -----------


class TwoSeven(BaseHTTPRequestHandler):
    """Answers as the bucket and mapping API of InfluxDB 2.7 does; `server.asked` keeps what was asked."""

    def do_GET(self):
        where = self.path.split("?")[0]
        bucket = {"id": "0a", "orgID": "0b", "name": "history", "retentionRules": []}
        self.answer(
            {
                "/api/v2/buckets": {"buckets": [bucket] if self.server.has_bucket else []},
                "/api/v2/dbrps": {"content": []},
                "/api/v2/orgs": {"orgs": [{"id": "0b", "name": "folio"}]},
            }.get(where)
        )

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.command, self.path.split("?")[0], body))
        self.answer({"id": "0a", "orgID": "0b", "name": "history", "retentionRules": []}, 201)

    do_PATCH = do_POST  # noqa: N815 (the server asks for the method by this name)

    def answer(self, body, status=200):
        self.send_response(204 if body is None else status)
        self.send_header("X-Influxdb-Version", "v2.7.12")
        self.send_header("Content-Type", "application/json")
        text = b"" if body is None else json.dumps(body).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def two_seven():
    with ThreadingHTTPServer(("127.0.0.1", 0), TwoSeven) as server:
        server.asked, server.has_bucket = [], False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("has_bucket", [False, True])
def test_in_influxdb_2_the_bucket_its_shards_and_its_mapping_are_made_by_its_api(two_seven, has_bucket):
    two_seven.has_bucket = has_bucket
    Influx(f"http://127.0.0.1:{two_seven.server_port}", "token", "folio", "history").provision()
    (verb, path, bucket), (_, mapped, mapping) = two_seven.asked
    assert (verb, path) == (("PATCH", "/api/v2/buckets/0a") if has_bucket else ("POST", "/api/v2/buckets"))
    assert bucket["name"] == "history"
    (rule,) = bucket["retentionRules"]
    assert rule["everySeconds"] == 0
    assert rule["shardGroupDurationSeconds"] == SHARD_WEEKS * 7 * 24 * 3600
    assert mapped == "/api/v2/dbrps"
    assert (mapping["database"], mapping["bucketID"], mapping["default"]) == ("history", "0a", True)
