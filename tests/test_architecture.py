"""Rules of the house, read from the source text: who imports whom, names per layer, what no file may hold."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from folio.settings import ROOT

FOUNDATION = {"folio.errors", "folio.settings"}
"""What every room but the pure ones may import."""

MAY_IMPORT: dict[str, set[str]] = {
    # the rooms in the order in which data walks through them
    "folio.sources": FOUNDATION | {"folio.store"},
    "folio.books": FOUNDATION | {"folio.store", "folio.sources"},  # a book lands as any payload does
    "folio.quality": FOUNDATION | {"folio.store", "folio.sources"},  # batches are checked while they land
    "folio.store": FOUNDATION,
    "folio.figures": {"folio.errors"},
    "folio.decisions": {"folio.errors", "folio.figures"},
    "folio.delivery": FOUNDATION | {"folio.store"},
    # around them
    "folio.services": FOUNDATION | {"folio.store"},
    "folio.jobs": FOUNDATION
    | {
        f"folio.{room}"
        for room in ("sources", "books", "quality", "store", "figures", "decisions", "delivery")
    },
    "folio.orchestration": FOUNDATION | {"folio.jobs", "folio.services"},
    "folio.demo": FOUNDATION
    | {f"folio.{room}" for room in ("sources", "books", "store", "services", "jobs")},
    "folio.commands": FOUNDATION
    | {f"folio.{room}" for room in ("sources", "books", "quality", "store", "services", "jobs", "demo")},
    "folio.cli": FOUNDATION | {"folio.commands", "folio.services"},
    "folio.errors": set(),
    "folio.settings": set(),
    # outside the package
    "dags": {"folio.jobs", "folio.orchestration", "airflow"},
    "api": FOUNDATION | {"folio.store"},
}
AIRFLOW = {"folio.orchestration", "dags"}
API_STORE = {
    *("folio.store.roles", "folio.store.postgres", "folio.store.warehouse"),
    *("folio.store.influx", "folio.store.candles"),  # price history, whose two homes answer alike
}
CONNECTING = {
    "include/folio/store": "the warehouse, the server, and the roles that log in to it",
    "api/database.py": "the API's read-only pool",
    "include/folio/services/airflow.py": "Airflow's own database, which is not Folio's",
}
CONNECTORS = {"connect", "AsyncConnection", "Connection", "ConnectionPool", "AsyncConnectionPool"}
NOUNLESS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib", "base"}
CODE = ("include", "api", "dags")
SQL_WORD = re.compile(r"(?is)\b(select\s.+\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from)\b")

# Written in parts, so that this file does not hold what it forbids.
FORBIDDEN_TEXT = [
    *(f"/{folder}/" for folder in ("work", "root", "home/[a-z]+", "Users/[a-z]+")),
    *(".".join(pair) for pair in (("pypi", "org"), ("python" + "hosted", "org"), ("registry", "npmjs"))),
    *("".join(pair) for pair in (("cla", "ude"), ("anth", "ropic"), ("copi", "lot"), ("chat", "gpt"))),
    "-".join(("co", "authored", "by")),
]  # fmt: skip


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def modules(*folders: str) -> tuple[Path, ...]:
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Dotted names a module imports; `from a import b` is `a.b`, a relative import `.`."""
    for node in tree(path).body if top_level else ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" if not node.level else "." for alias in node.names)


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:3]) if parts[0] == "include" else parts[0]


def room_imported(name: str) -> str | None:
    """Room that an import leads to; None outside this repository and Airflow."""
    first, *rest = name.split(".")
    if first == "folio":
        return ".".join(["folio", *rest[:1]])
    return first if first in {"api", "dags", "airflow"} else None


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the repository, also those not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


# layers


def test_every_room_is_known():
    assert {room_of(path) for path in modules(*CODE)} - MAY_IMPORT.keys() - {"folio.__init__"} == set()


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_its_layer_may(room):
    strangers = {
        (name_of(path), name)
        for path in modules(*CODE)
        if room_of(path) == room
        for name in imports(path)
        if (target := room_imported(name)) and target not in MAY_IMPORT[room] | {room, "folio"}
        if not (target == "airflow" and room in AIRFLOW)
    }
    assert strangers == set()


def test_rooms_do_not_depend_on_each_other_in_a_circle():
    walk = ["sources", "books", "quality", "store", "figures", "decisions", "delivery", "services", "jobs"]

    def reached(room: str, seen: frozenset[str] = frozenset()) -> set[str]:
        return {
            deeper
            for target in MAY_IMPORT[room] - seen
            for deeper in {target} | reached(target, seen | {target})
        }

    assert [room for room in walk if f"folio.{room}" in reached(f"folio.{room}")] == []


def test_imports_are_absolute():
    assert [name_of(path) for path in modules(*CODE) if "." in set(imports(path))] == []


def test_the_api_takes_only_its_address_and_price_history_from_the_store():
    taken = {
        ".".join(name.split(".")[:3])
        for path in modules("api")
        for name in imports(path)
        if name.startswith("folio.store")
    }
    assert taken <= API_STORE
    connecting = [
        name_of(path)
        for path in modules("api")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"warehouse.connect", "warehouse.replace"}
    ]
    assert connecting == []


def test_only_the_store_and_the_apis_pool_connect_to_postgres():
    connecting = {
        name_of(path)
        for path in modules(*CODE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and (called := ast.unparse(node.func).split(".")[-1]) in CONNECTORS
        and (ast.unparse(node.func).startswith("psycopg") or called.endswith("Pool"))
    }
    assert {name for name in connecting if not name.startswith(tuple(CONNECTING))} == set()


def test_a_dag_only_wires():
    """At the top a Dag imports Airflow and orchestration; jobs load in their tasks; it holds no SQL."""
    for path in modules("dags"):
        for name in imports(path, top_level=True):
            assert not name.startswith("folio.") or name.startswith("folio.orchestration"), (path.name, name)
        texts = [node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)]
        assert [text for text in texts if isinstance(text, str) and SQL_WORD.search(text)] == [], path.name


def test_orchestration_loads_no_job_while_dags_are_parsed():
    for path in modules("include/folio/orchestration"):
        heavy = [name for name in imports(path, top_level=True) if name.startswith("folio.jobs")]
        assert heavy == [], path.name


# names


def test_a_module_is_named_by_a_noun_of_its_own():
    parts = {
        part for path in modules(*CODE, "tests") for part in path.relative_to(ROOT).with_suffix("").parts
    }
    assert parts & NOUNLESS == set()


def test_a_dag_file_is_named_as_its_dag():
    for path in modules("dags"):
        dags = [
            node.name
            for node in tree(path).body
            if isinstance(node, ast.FunctionDef)
            and any(ast.unparse(decorator).split("(")[0] == "dag" for decorator in node.decorator_list)
        ]
        assert dags == [path.stem]


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("staging", r"stg_{parent}__[a-z0-9_]+"),
        ("intermediate", r"int_[a-z0-9_]+"),
        ("marts", r"(fct|dim|bridge)_[a-z0-9_]+"),
    ],
)
def test_a_model_is_named_after_its_layer(folder, pattern):
    models = sorted((ROOT / "dbt_project" / "models" / folder).rglob("*.sql"))
    assert models
    strangers = [
        name_of(path)
        for path in models
        if not re.fullmatch(pattern.format(parent=path.parent.name), path.stem)
    ]
    assert strangers == []


def test_tests_stand_where_the_code_they_test_stands():
    for mirrored, code in (("tests/folio", "include/folio"), ("tests/api", "api")):
        for path in modules(mirrored):
            assert (ROOT / code / path.parent.relative_to(ROOT / mirrored)).is_dir(), name_of(path)


# words


def test_every_module_opens_with_one_sentence():
    silent = []
    for path in modules(*CODE, "tests"):
        first = (ast.get_docstring(tree(path)) or "").split("\n\n")[0].replace("\n", " ")
        if not first.endswith((".", "?")) or len(first) < 15:
            silent.append(name_of(path))
    assert silent == []


def test_no_file_tells_where_or_how_it_was_written():
    forbidden = re.compile("|".join(text.replace(".", r"\.") for text in FORBIDDEN_TEXT), re.IGNORECASE)
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [(name_of(path), match[0]) for match in forbidden.finditer(text)]
    assert found == []


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md" and not path.is_relative_to(ROOT / "include")]


def shown_commands(first: str) -> set[tuple[str, str]]:
    """(document, command line) of every line of code in the documents that begins with a program."""
    shown = set()
    for path in documents():
        text = path.read_text()
        blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
        lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
        shown |= {(name_of(path), line) for line in lines if line == first or line.startswith(first + " ")}
    return shown


def test_every_make_target_shown_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = {
        (document, word)
        for document, line in shown_commands("make")
        for word in re.split(r"[ |]", line.split("#")[0].split("&&")[0])[1:]
        if word and re.fullmatch(r"[a-z-]+", word) and word not in targets
    }
    assert unknown == set()


def test_every_folio_command_shown_exists():
    from folio.cli import app

    unknown = set()
    for document, line in shown_commands("folio"):
        command = typer.main.get_command(app)
        for word in shlex.split(line, comments=True)[1:]:
            subcommands = getattr(command, "commands", None)
            if subcommands is None or word.startswith("-") or not re.fullmatch(r"[a-z-]+", word):
                break
            if word not in subcommands:
                unknown.add((document, line))
                break
            command = subcommands[word]
    assert unknown == set()


def test_every_module_shown_to_be_run_exists():
    run = re.compile(r"python -m ((?:folio|api)[\w.]*)")
    named = {name for path in documents() for name in run.findall(path.read_text())}
    named |= {name for path in modules(*CODE) for name in run.findall(path.read_text())}
    assert {name for name in named if find_spec(name.rstrip(".")) is None} == set()


# tests


def test_no_test_sleeps_or_mocks():
    for path in modules("tests"):
        assert not {name for name in imports(path) if name.startswith(("unittest.mock", "mock"))}, name_of(
            path
        )
        assert "time.sleep" not in set(imports(path)), name_of(path)
        calls = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
        assert "time.sleep" not in calls, name_of(path)


def test_test_folders_are_no_packages():
    assert [name_of(path) for path in modules("tests") if path.name == "__init__.py"] == []
