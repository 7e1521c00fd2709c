"""Faults that a sandbox can be switched to, by path and for a number of requests."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from folio.errors import ServiceError

Kind = Literal[
    "429",
    "500",
    "503",
    "stall",
    "cut",
    "html",
    "html_404",
    "redirect",
    "one_byte",
    "empty",
    "error_status",
    "403",
    "truncated",
    "other_provider",
    "other_day",
    "no_rows",
]


@dataclass(frozen=True)
class Fault:
    """What goes wrong on a path (a prefix of it), how often (None: until switched off).

    `retry_after` is sent with a 429 or 503; `seconds` is how long a stall lasts; `as_of` limits the fault
    to instants asked about that begin like it, such as `2013-02-27` for the nights of a day. Four kinds are
    content at fault in an answer that looks whole: `truncated` (its first half), `other_provider` (another's
    valid answer), `other_day` (that of the day before) and `no_rows`.
    """

    path: str
    kind: Kind
    times: int | None = None
    retry_after: float | None = None
    seconds: float = 60.0
    as_of: str = ""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Fault":
        """Fault of JSON values; ServiceError says what is wrong with them."""
        try:
            fault = cls(**{**values, "kind": str(values.get("kind"))})
        except TypeError as wrong:
            raise ServiceError(
                f"a fault has path, kind, times, retry_after, seconds and as_of: {wrong}"
            ) from None
        if fault.kind not in get_args(Kind):
            raise ServiceError(f"unknown fault {fault.kind!r}; known are {', '.join(get_args(Kind))}")
        return fault


class Faults:
    """The faults switched on, shared by the server's threads, and read again when their file changes."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._read_at: int | None = None
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def switch_on(self, fault: Fault) -> None:
        """Add a fault; of several on a path the first goes first."""
        with self._lock:
            self._faults.append(fault)

    def switch_off(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def as_json(self) -> str:
        """The faults switched on."""
        with self._lock:
            return json.dumps([asdict(fault) for fault in self._faults])

    def next_for(self, path: str, as_of: str = "") -> Fault | None:
        """The fault for a request about an instant, counted down."""
        with self._lock:
            self._read_file()
            for place, fault in enumerate(self._faults):
                if not (path.startswith(fault.path) and as_of.startswith(fault.as_of)):
                    continue
                if fault.times is not None:
                    if fault.times <= 1:
                        del self._faults[place]
                    else:
                        self._faults[place] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def _read_file(self) -> None:
        """Take the file's faults in place of those known, when it changed."""
        if self._file is None:
            return
        try:
            changed = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            changed = None
        if changed == self._read_at:
            return
        self._read_at = changed
        values = json.loads(self._file.read_text()) if changed is not None else []
        self._faults = [Fault.read(value) for value in values]
