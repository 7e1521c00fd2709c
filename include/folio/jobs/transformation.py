"""Run one stage of a night in dbt, in this process, and keep what it said of every model and test."""

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from folio.errors import TransformationError
from folio.jobs import touches
from folio.jobs.nights import Night
from folio.jobs.touches import STAGES
from folio.settings import ROOT, settings
from folio.store import warehouse

log = logging.getLogger(__name__)

PROJECT = ROOT / "dbt_project"
PACKAGE = Path(__file__).resolve().parents[1]
MAKES_FIGURES = frozenset({".py", ".sql", ".yml", ".csv"})
"""Endings of the files of these two folders that decide what tables hold."""

STANDING = frozenset(STAGES[:-1])
"""Stages made of facts alone, which need no second build while none comes; decisions read findings too."""

GOOD = frozenset({"success", "pass", "warn", "no-op"})
SHOWN = 5
"""Failing nodes whose messages an error spells out."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class NodeResult:
    """What dbt said of one model, seed or test."""

    node: str
    status: str
    seconds: float
    message: str | None


@dataclass(frozen=True)
class StageResult:
    """What dbt said of one stage of a night; of no node where the stage was not built again."""

    night: str
    stage: str
    nodes: tuple[NodeResult, ...]

    @property
    def seconds(self) -> float:
        """Time spent in models and tests, added up over threads."""
        return sum(node.seconds for node in self.nodes)

    def __str__(self) -> str:
        if not self.nodes:
            return f"{self.stage}: stands as it was built, nothing has come since"
        return f"{self.stage}: {len(self.nodes)} models and tests in {self.seconds:.1f} s"


def target_folder() -> Path:
    """Where dbt leaves manifest.json, its parse cache and compiled SQL for this instance."""
    return _folder() / "target"


def run_stage(night: str, stage: str) -> StageResult:
    """Build the models of a stage and run their tests; the result of each is kept in ops.stage_results.

    Daily tables are made anew from the first day on that may have changed (`folio.jobs.touches`), and whole
    where any day may have; a stage of facts to which nothing has come since is left as it stands. What the
    stage counted is noted once all of it is made; where a test failed the next build makes every day anew.

    Raises
    ------
    TransformationError
        A model or test failed, the project cannot be parsed or the stage is unknown; the text names the
        nodes that failed and what the database said of them.
    """
    Night.parse(night)
    if stage not in STAGES:
        raise TransformationError(f"{stage!r} is no stage: it is one of {', '.join(STAGES)}.")
    code = code_fingerprint()
    if stage in STANDING and touches.is_built(stage, code):
        return StageResult(night, stage, ())
    earlier = STAGES[: STAGES.index(stage)]
    first_day = touches.begin_stage(stage, earlier[-1] if earlier else None, code)
    # Tests wait for all their models: one that compares two stages belongs to the later one.
    nodes = invoke(
        "build",
        *("--select", *(_changing(stage, code) if first_day else [f"tag:{stage}"])),
        *("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"),
        *(() if first_day else ("--full-refresh",)),
        *(() if stage == STAGES[-1] else ("--no-write-json",)),  # publishing reads the manifest of the last
    )
    result = StageResult(night, stage, nodes)
    _keep(result)
    failed = [node for node in nodes if node.status not in GOOD and node.status != "skipped"]
    if failed:
        if any(node.status == "fail" for node in failed):  # what a model left half made is made good
            touches.distrust()
        skipped = sum(node.status == "skipped" for node in nodes)
        raise TransformationError(
            f"Stage {stage} of {night} failed in {len(failed)} of {len(nodes)} models and tests"
            f" ({skipped} skipped): "
            + " | ".join(f"{node.node}: {node.message}" for node in failed[:SHOWN])
            + (f" | and {len(failed) - SHOWN} more in ops.stage_results" if len(failed) > SHOWN else "")
        )
    if not nodes:
        raise TransformationError(f"Stage {stage} selects no model of {PROJECT.name}.")
    touches.complete_stage(stage)
    return result


def is_built(stage: str) -> bool:
    """Whether nothing has come since a stage was built, so that neither it nor what it reads can differ."""
    return touches.is_built(stage, code_fingerprint())


def code_fingerprint() -> str:
    """SHA-256 of all that decides what tables hold, besides facts: models, seeds, Python and currency."""
    digest = hashlib.sha256(settings().reporting_currency.encode())
    for folder in (PROJECT, PACKAGE):
        for path in sorted(folder.rglob("*")):
            if path.suffix in MAKES_FIGURES:
                digest.update(f"{path.relative_to(folder)}:".encode() + path.read_bytes())
    return digest.hexdigest()


def document() -> Path:
    """Write dbt's documentation site for this instance and return its page, one file that opens offline."""
    invoke("docs", "generate", "--static")
    return target_folder() / "static_index.html"


def invoke(*arguments: str) -> tuple[NodeResult, ...]:
    """Run a dbt command on this instance's warehouse; TransformationError when dbt itself cannot run.

    Failing models and tests are no error here: their status says so.
    """
    from dbt.contracts.results import RunExecutionResult  # takes seconds to import

    variables = _connection_variables()
    with _one_at_a_time, _environment(variables):
        answer = _run(arguments, _parsed(code_fingerprint(), tuple(variables.items())))
    if isinstance(answer.result, RunExecutionResult):
        return tuple(_node_result(result) for result in answer.result.results)
    if not answer.success:
        raise TransformationError(f"dbt {arguments[0]} could not run: {answer.exception or answer.result}")
    return ()


def _changing(stage: str, code_sha256: str) -> list[str]:
    """Names of what a stage builds where its code has built it before: all but views and seeds that stand.

    A seed stands, and so does a view of sources, seeds and such views alone: nothing that is made anew each
    night takes it away. Its tests are named, since its rows may be others.
    """
    with _one_at_a_time, _environment(variables := _connection_variables()):
        nodes = _parsed(code_sha256, tuple(variables.items())).nodes
    with warehouse.connect() as connection:
        there = {
            name
            for (name,) in connection.execute(
                "select relname from pg_class where relnamespace = 'build'::regnamespace"
            )
        }

    @cache
    def stands(node: str) -> bool:
        if node not in nodes:
            return True  # a source
        kind = "seed" if nodes[node].resource_type == "seed" else nodes[node].config.materialized
        return (
            kind in ("seed", "view")
            and nodes[node].name in there
            and all(map(stands, nodes[node].depends_on_nodes))
        )

    return [
        node.name
        for key, node in nodes.items()
        if (stage in node.tags and not stands(key))
        or (
            node.resource_type == "test"
            and all(map(stands, node.depends_on_nodes))
            and any(parent in nodes and stage in nodes[parent].tags for parent in node.depends_on_nodes)
        )
    ]


@lru_cache(maxsize=1)
def _parsed(code_sha256: str, variables: tuple[tuple[str, str], ...]) -> Any:
    """The project's manifest for this code and connection, which all stages of a process then share."""
    answer = _run(("parse", "--no-write-json"))
    if not answer.success:
        raise TransformationError(f"dbt cannot read {PROJECT.name}: {answer.exception}")
    return answer.result


def _run(arguments: Sequence[str], manifest: Any = None) -> Any:
    """What dbt's runner answers to a command; without a manifest it parses what changed in the project."""
    from dbt.cli.main import dbtRunner

    from folio.store import dbt_connections

    dbt_connections.keep()
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors", "--quiet"]
    flags += ["--log-level-file", "info"]  # at debug, writing the log takes a fifth of a stage's time
    paths = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    paths += ["--target-path", str(target_folder()), "--log-path", str(folder / "logs")]
    return dbtRunner(manifest).invoke([*flags, *arguments, *paths])


def _node_result(result: Any) -> NodeResult:
    message = result.message if result.message and result.status not in GOOD else None
    return NodeResult(
        node=result.node.name,
        status=str(result.status),
        seconds=float(result.execution_time),
        message=" ".join(str(message).split()) if message else None,
    )


def _keep(result: StageResult) -> None:
    rows: Sequence[tuple[object, ...]] = [
        (result.night, result.stage, node.node, node.status, f"{node.seconds:.3f}", node.message)
        for node in result.nodes
    ]
    with warehouse.connect() as connection:
        warehouse.replace(
            connection,
            "ops.stage_results",
            ["night", "stage", "node", "status", "seconds", "message"],
            rows,
            where="night = %s and stage = %s",
            parameters=(result.night, result.stage),
        )


def _folder() -> Path:
    current = settings()
    return current.state / "dbt" / current.instance


def _connection_variables() -> dict[str, str]:
    """What profiles.yml reads, from the warehouse's connection URI."""
    parts = conninfo_to_dict(warehouse.url())
    return {
        "FOLIO_DBT_HOST": str(parts.get("host") or "127.0.0.1"),
        "FOLIO_DBT_PORT": str(parts.get("port") or 5432),
        "FOLIO_DBT_USER": str(parts.get("user") or ""),
        "FOLIO_DBT_PASSWORD": str(parts.get("password") or ""),
        "FOLIO_DBT_DBNAME": str(parts.get("dbname") or ""),
        "FOLIO_DBT_SSLMODE": str(parts.get("sslmode") or "prefer"),
        "FOLIO_DBT_REPORTING_CURRENCY": settings().reporting_currency,
    }


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for as long as dbt runs: it reads its profile from nowhere else."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
