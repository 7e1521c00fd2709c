"""InfluxDB: the only module that talks to it; points go in by line protocol and come back by InfluxQL.

One path serves InfluxDB 1.8, 2 and 3: `/api/v2/write` with a token, and `/query`, to which a bucket is a
database with one retention policy. Only making that differs from version to version: `Influx.provision`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from influxdb_client import BucketRetentionRules, InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from folio.errors import InfluxAway, InfluxError
from folio.settings import Settings

POLICY = "autogen"
"""Name of the one retention policy, which keeps points for ever."""

SHARD_WEEKS = 520
"""Ten years a shard: decades of daily prices in shards of a week are slow to write and ten times as large."""

BLOCK_LINES = 10_000
"""Lines of one write; from 5,000 to 20,000 all go equally fast."""

TIMEOUT_SECONDS = 30.0
AWAY = (requests.RequestException, urllib3.exceptions.HTTPError)
PARTIAL = "partial write"


@dataclass(frozen=True)
class Series:
    """Rows of a measurement with the same tags; `columns` name the values, `time` is in nanoseconds."""

    name: str
    tags: Mapping[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Influx:
    """A bucket of an InfluxDB server; every failure is an InfluxError, and InfluxAway where none answered."""

    url: str
    token: str
    org: str
    bucket: str
    _client: InfluxDBClient = field(init=False, repr=False, compare=False)
    _http: requests.Session = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make ready to connect; nothing is sent yet."""
        client = InfluxDBClient(
            self.url, self.token, org=self.org, timeout=int(TIMEOUT_SECONDS * 1000), enable_gzip=False
        )
        object.__setattr__(self, "_client", client)
        object.__setattr__(self, "_http", requests.Session())
        self._http.headers.update({"Authorization": f"Token {self.token}", "Accept": "application/json"})

    @classmethod
    def of(cls, current: Settings) -> "Influx | None":
        """The bucket that the settings name; None where there is no InfluxDB."""
        if not current.influx_url:
            return None
        token = current.influx_token.get_secret_value() if current.influx_token else ""
        return cls(current.influx_url.rstrip("/"), token, current.influx_org, current.influx_bucket)

    @property
    def target(self) -> str:
        """Where points go, to remember what has been written there: host, port and bucket."""
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]}/{self.bucket}"

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
        self._http.close()

    def provision(self) -> None:
        """Make the bucket, its mapping for InfluxQL and its long shards, where they are absent."""
        with self._faults("make the bucket"):
            version = self._version()
            if version.startswith("2"):
                self._provision_bucket()
            elif not version.startswith("3"):  # InfluxDB 3 makes a database at its first write
                policy = f"DURATION INF REPLICATION 1 SHARD DURATION {SHARD_WEEKS}w"
                self.run(f"CREATE DATABASE {name(self.bucket)} WITH {policy} NAME {name(POLICY)}")
                self.run(f"ALTER RETENTION POLICY {name(POLICY)} ON {name(self.bucket)} {policy} DEFAULT")

    def remove(self) -> None:
        """Remove the bucket with all that it holds."""
        with self._faults("remove the bucket"):
            if self._version().startswith("2"):
                buckets = self._client.buckets_api()
                buckets.delete_bucket(buckets.find_bucket_by_name(self.bucket))
            else:
                self.run(f"DROP DATABASE {name(self.bucket)}")

    def write(self, lines: Iterable[str]) -> int:
        """Write line protocol with timestamps in nanoseconds, block by block; gives how many lines.

        A point of the same measurement, tags and time is overwritten. When this returns, the engine has
        the lines on disk; when it raises, the blocks before the failing one.
        """
        written, rest = 0, iter(lines)
        while block := list(islice(rest, BLOCK_LINES)):
            self.write_block("\n".join(block).encode(), len(block))
            written += len(block)
        return written

    def write_block(self, block: bytes, count: int) -> None:
        """Write one block of `count` lines."""
        with self._faults(f"write {count} points"):
            self._client.write_api(write_options=SYNCHRONOUS).write(
                self.bucket, record=block, write_precision=WritePrecision.NS
            )

    def query(self, question: str) -> list[Series]:
        """Series of one InfluxQL SELECT or SHOW; numbers as decimals of the digits that were sent."""
        with self._faults("answer"):
            return self._answers(self._get("/query", {"q": question}))

    def run(self, statement: str) -> None:
        """Run one InfluxQL statement that changes something."""
        with self._faults("run a statement"):
            self._answers(
                self._http.post(
                    f"{self.url}/query", params=self._place(), data={"q": statement}, timeout=TIMEOUT_SECONDS
                )
            )

    def _provision_bucket(self) -> None:
        """The same in InfluxDB 2, where buckets and their mappings are made by its own API."""
        shards = BucketRetentionRules(
            type="expire", every_seconds=0, shard_group_duration_seconds=SHARD_WEEKS * 7 * 86400
        )
        buckets = self._client.buckets_api()
        bucket = buckets.find_bucket_by_name(self.bucket)
        if bucket is None:
            bucket = buckets.create_bucket(bucket_name=self.bucket, retention_rules=shards, org=self.org)
        else:
            bucket.retention_rules = [shards]
            buckets.update_bucket(bucket)
        mappings = f"{self.url}/api/v2/dbrps"
        asked = {"org": self.org, "db": self.bucket}
        found = self._http.get(mappings, params=asked, timeout=TIMEOUT_SECONDS)
        if found.ok and not found.json().get("content"):
            mapping = {"org": self.org, "bucketID": bucket.id, "database": self.bucket}
            found = self._http.post(
                mappings,
                json=mapping | {"retention_policy": POLICY, "default": True},
                timeout=TIMEOUT_SECONDS,
            )
        if not found.ok:
            raise self._refusal(found.status_code, found.text, "make the bucket's mapping")

    def _version(self) -> str:
        """Version of the server, such as 2.7.12."""
        return self._get("/ping").headers.get("X-Influxdb-Version", "").lstrip("v")

    def _place(self) -> dict[str, str]:
        return {"db": self.bucket, "epoch": "ns"}

    def _get(self, path: str, parameters: Mapping[str, str] | None = None) -> requests.Response:
        return self._http.get(
            self.url + path, params={**self._place(), **(parameters or {})}, timeout=TIMEOUT_SECONDS
        )

    def _answers(self, response: requests.Response) -> list[Series]:
        """Series of a response: its status and the error of each result have to be looked at both."""
        if response.status_code != HTTPStatus.OK:
            raise self._refusal(response.status_code, response.text, "answer")
        body = json.loads(response.content, parse_float=Decimal)
        found = []
        for result in body.get("results", ()):
            if "error" in result:
                raise InfluxError(f"InfluxDB at {self.target} did not answer: {result['error']}")
            for series in result.get("series", ()):
                if series.get("partial"):
                    raise InfluxError(f"InfluxDB at {self.target} cut its answer short: raise max-row-limit")
                rows = tuple(tuple(row) for row in series.get("values", ()))
                found.append(
                    Series(series.get("name", ""), series.get("tags", {}), tuple(series["columns"]), rows)
                )
        return found

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        """Turn whatever the two clients raise into this module's errors."""
        try:
            yield
        except ApiException as error:
            raise self._refusal(error.status or 0, _text(error.body or error.reason), doing) from None
        except AWAY as error:
            raise InfluxAway(f"InfluxDB at {self.target} does not answer: {type(error).__name__}") from error
        except ValueError as error:
            raise InfluxError(f"InfluxDB at {self.target} gave no JSON: {error}") from error

    def _refusal(self, status: int, body: str, doing: str) -> InfluxError:
        """Error of a status: away for its own faults and overload, else refused with what it said."""
        said = _message(body)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
            return InfluxAway(f"InfluxDB at {self.target} does not answer: HTTP {status} {said}")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return InfluxError(f"InfluxDB at {self.target} does not take the token: HTTP {status} {said}")
        if PARTIAL in said:
            return InfluxError(f"InfluxDB at {self.target} took only some points: HTTP {status} {said}")
        return InfluxError(f"InfluxDB at {self.target} did not {doing}: HTTP {status} {said}")


def name(identifier: str) -> str:
    """An identifier of InfluxQL: a database, policy, measurement, tag or field."""
    return '"' + identifier.replace("\\", "\\\\").replace('"', '\\"') + '"'


def text(value: str) -> str:
    """A text of InfluxQL, such as the value of a tag."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _text(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")


def _message(body: str) -> str:
    """What InfluxDB of any version says in an error: `error` or `message` of an object, else the text."""
    try:
        said = json.loads(body)
    except ValueError:
        said = body
    if isinstance(said, dict):
        said = said.get("message") or said.get("error") or body
    return " ".join(str(said).split())[:300]
