"""The payload store: every answer a source gave, kept once under the SHA-256 of its bytes."""

import gzip
import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from folio.errors import PayloadError

COMPRESSION_LEVEL = 1
"""NAV files shrink sixfold at the fastest level; higher levels cost four times the time for a tenth."""


@dataclass(frozen=True)
class Payload:
    """What a source answered: the bytes, the aware instant they were observed, and where they came from."""

    body: bytes
    observed_at: datetime
    origin: str = ""

    @property
    def sha256(self) -> str:
        """Name of the payload in the store."""
        return hashlib.sha256(self.body).hexdigest()


def path_of(folder: Path, sha256: str) -> Path:
    """Where a payload of this hash is kept."""
    return folder / sha256[:2] / f"{sha256}.gz"


def store(folder: Path, body: bytes) -> str:
    """Keep bytes and give their SHA-256; they survive a crash right after, and a half file is never seen."""
    sha256 = hashlib.sha256(body).hexdigest()
    path = path_of(folder, sha256)
    if path.exists():
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(gzip.compress(body, COMPRESSION_LEVEL, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return sha256


def read(folder: Path, sha256: str) -> bytes:
    """Bytes of a stored payload.

    Raises
    ------
    PayloadError
        The payload is not in the store, or its bytes no longer have that hash.
    """
    path = path_of(folder, sha256)
    try:
        body = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise PayloadError(
            f"payload {sha256} is not in the store; fetch the slot again with --refetch"
        ) from None
    except (OSError, EOFError) as broken:
        raise PayloadError(f"payload {sha256} cannot be read: {broken}") from broken
    if hashlib.sha256(body).hexdigest() != sha256:
        raise PayloadError(f"payload {sha256} is damaged: its bytes have another hash")
    return body
