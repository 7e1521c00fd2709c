"""A case with known answers from another tool: how its file is read, and what its reader may say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Differs(Exception):
    """Folio's figure is another one on purpose; the text is its heading in docs/methods/differences.md."""


class NotYet(Exception):
    """Folio has no such figure; the text is the key in `tests.cases.not_yet.NOT_YET` that says why."""


@dataclass(frozen=True)
class Case:
    """Inputs of another tool's test and the figures it expects; `kind` is the stem of the file."""

    id: str
    title: str
    peer: str
    kind: str
    topics: tuple[str, ...]
    method: Mapping[str, Any]
    inputs: Mapping[str, Any]
    expected: Any
    tolerance: str | None
    note: str | None
    folder: Path
    """Folder of all peers, to which files named in the inputs are relative."""


def cases_in(folder: Path) -> list[Case]:
    """Every case of the files <peer>/<kind>.json; a file without a list of cases is an input of others."""
    cases = []
    for path in sorted(folder.glob("*/*.json")):
        text = json.loads(path.read_text())
        for fields in text.get("cases", ()) if isinstance(text, dict) else ():
            cases.append(
                Case(
                    id=fields["id"],
                    title=fields.get("title", ""),
                    peer=path.parent.name,
                    kind=path.stem,
                    topics=tuple(fields.get("topics", ())),
                    method=fields.get("method") or {},
                    inputs=fields["inputs"],
                    expected=fields["expected"],
                    tolerance=fields.get("tolerance"),
                    note=fields.get("note"),
                    folder=folder,
                )
            )
    return cases


def only(fields: Mapping[str, Any], *known: str) -> None:
    """Refuse fields a reader does not know, so that nothing a case says goes unread."""
    strangers = sorted(fields.keys() - set(known))
    assert not strangers, f"no reader knows the fields {strangers} beside {sorted(known)}"
