"""Every case of other tools in the folder FOLIO_CASES, through Folio's own code, at the case's tolerance."""

import importlib
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from folio.settings import ROOT
from tests.cases.case import Case, Differs, NotYet, cases_in
from tests.cases.not_yet import NOT_YET

SHARED = Path(os.environ.get("FOLIO_SHARED", ROOT.parent / "shared"))
FOLDER = Path(os.environ.get("FOLIO_CASES", SHARED / "cases"))
READERS = Path(__file__).parent / "readers"
CASES = cases_in(FOLDER)
DIFFERENCES = ROOT / "docs" / "methods" / "differences.md"

Reader = Callable[[Case], None]


def readers_of(peer: str) -> dict[str, Reader]:
    """Readers of a peer by kind: those of its own module and of the modules named after it."""
    stem = peer.replace("-", "_")
    found: dict[str, Reader] = {}
    for path in [READERS / f"{stem}.py", *sorted(READERS.glob(f"{stem}_lots.py"))]:
        if path.exists():
            readers = importlib.import_module(f"tests.cases.readers.{path.stem}").READERS
            assert not found.keys() & readers.keys(), f"two modules read {found.keys() & readers.keys()}"
            found |= readers
    return found


def headings() -> set[str]:
    """Headings of the page of differences."""
    return set(re.findall(r"^## (.+)$", DIFFERENCES.read_text(), re.MULTILINE))


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no cases at {FOLDER} (set FOLIO_CASES)")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_of_another_tool_has_its_known_answer(case, record_property):
    record_property("case", f"{case.peer}/{case.kind}")
    reader = readers_of(case.peer).get(case.kind)
    if reader is None and f"{case.peer}/{case.kind}" in NOT_YET:
        pytest.skip(f"not yet: {NOT_YET[f'{case.peer}/{case.kind}']}")
    assert reader is not None, f"no reader of {case.peer}/{case.kind} in {READERS.relative_to(ROOT)}"
    try:
        reader(case)
    except NotYet as missing:
        pytest.skip(f"not yet: {NOT_YET[str(missing)]}")
    except Differs as differs:
        assert str(differs) in headings(), f"{DIFFERENCES.name} has no heading {str(differs)!r}"
        pytest.xfail(str(differs))


def test_ids_of_cases_are_unique():
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []


def test_what_is_not_made_yet_has_no_reader():
    read = {
        kind for kind in NOT_YET if ":" not in kind and kind.split("/")[1] in readers_of(kind.split("/")[0])
    }
    assert read == set()
