"""Settings, `.env.example`, docs/settings.md and docker-compose.yml say the same.

`python tests/test_settings_documented.py` writes the generated parts of `.env.example` and docs/settings.md.
"""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from folio.settings import ROOT, Settings

PREFIX = "FOLIO_"
ENV_EXAMPLE = ROOT / ".env.example"
TABLE = ROOT / "docs" / "settings.md"
COMPOSE = ROOT / "docker-compose.yml"
INTERPOLATION = re.compile(r"\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}")
ASSIGNMENT = re.compile(r"^# ?([A-Z][A-Z_]*)=(.*)$", re.MULTILINE)
COMPOSE_ONLY = "# ---- docker compose only: passwords and keys of its services; Folio reads none of them ----"
SERVICE_KEYS = {
    *("image", "build", "command", "environment", "env_file", "volumes", "ports", "depends_on"),
    *("healthcheck", "restart", "stop_grace_period"),
}


def shown_default(name: str) -> str:
    """Default of a setting as a reader writes it: paths in the checkout relative, None empty."""
    default = Settings.model_fields[name].default
    if default is None or isinstance(default, SecretStr):
        return ""
    if isinstance(default, Path):
        return str(default.relative_to(ROOT)) if default.is_relative_to(ROOT) else str(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def expected_env_example() -> str:
    lines = [
        "# Settings of Folio. Copy to .env and uncomment what shall differ; shown are the defaults.",
        "# Generated from include/folio/settings.py; docs/settings.md has the same list.",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"# {PREFIX}{name.upper()}={shown_default(name)}"]
    return "\n".join(lines) + "\n\n"


def expected_table() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = shown_default(name)
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(["| setting | default | what it is |", "| --- | --- | --- |", *rows]) + "\n"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture(scope="module")
def environments(compose) -> dict[str, dict[str, str]]:
    """Variables of each service, as written."""
    return {name: service.get("environment", {}) for name, service in compose["services"].items()}


def test_every_setting_has_a_description():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_env_example_lists_every_setting_with_its_description():
    generated, found, _ = ENV_EXAMPLE.read_text().partition(COMPOSE_ONLY)
    assert found
    assert generated == expected_env_example()


def test_docs_table_equals_the_settings():
    text = TABLE.read_text()
    assert text[text.index("| setting |") :] == expected_table()


def test_no_other_module_reads_folio_variables():
    """A variable that code reads past `Settings` would be in none of the documents."""
    reads = re.compile(r"""environ(?:\.get\(|\[)\s*["'](FOLIO_[A-Z_]+)""")
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strangers = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("include", "api", "dags")
        for path in (ROOT / folder).rglob("*.py")
        for name in reads.findall(path.read_text())
        if name not in known
    }
    assert strangers == set()


def test_compose_uses_settings_that_exist(environments):
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    used = {name for variables in environments.values() for name in variables if name.startswith(PREFIX)}
    used |= {name for name, *_ in INTERPOLATION.findall(COMPOSE.read_text()) if name.startswith(PREFIX)}
    assert used - known == set()
    assert {"FOLIO_DSN", "FOLIO_SMTP_HOST", "FOLIO_INFLUX_URL"} <= used


def test_compose_interpolates_only_what_env_example_names():
    named = {name for name, _ in ASSIGNMENT.findall(ENV_EXAMPLE.read_text())}
    used = {name for name, *_ in INTERPOLATION.findall(COMPOSE.read_text())}
    assert used - named == set()
    only_compose = {name for name in named if not name.startswith(PREFIX)}
    assert only_compose - used == set()


def test_compose_values_make_valid_settings(environments, monkeypatch):
    for service, variables in environments.items():
        values = {
            name.removeprefix(PREFIX).lower(): INTERPOLATION.sub(
                lambda found: found[3] if found[2] == ":-" else "secret", str(value)
            )
            for name, value in variables.items()
            if name.startswith(PREFIX)
        }
        made = Settings(_env_file=None, **values)
        for name in values:
            assert getattr(made, name) is not None, (service, name)


def test_compose_makes_the_influxdb_bucket_that_the_settings_name(environments):
    made = {
        name: environments["influxdb"][f"DOCKER_INFLUXDB_INIT_{name.upper()}"] for name in ("org", "bucket")
    }
    assert made == {name: Settings.model_fields[f"influx_{name}"].default for name in made}


def test_compose_names_airflow_options_that_exist(environments):
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    core = yaml.safe_load((folder / "config_templates" / "config.yml").read_text())
    options = {(section, option) for section, parts in core.items() for option in parts["options"]}
    source = (folder / "providers" / "celery" / "get_provider_info.py").read_text()
    (returned,) = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Return)]
    for section, parts in ast.literal_eval(returned)["config"].items():
        options |= {(section, option) for option in parts["options"]}
    used = {
        tuple(name.lower().removeprefix("airflow__").split("__"))
        for variables in environments.values()
        for name in variables
        if name.startswith("AIRFLOW__")
    }
    assert used - options == set()
    assert used


def test_compose_is_whole(compose):
    services = compose["services"]
    assert {"postgres", "influxdb", "redis", "mail", "api"} <= services.keys()
    assert {"airflow-api", "scheduler", "dag-processor", "triggerer", "worker"} <= services.keys()
    for name, service in services.items():
        assert service.keys() <= SERVICE_KEYS, name
        assert re.fullmatch(r"[a-z0-9/]+:[a-z0-9.-]+", service["image"]), name
        for other, how in service.get("depends_on", {}).items():
            needs_health = how["condition"] == "service_healthy"
            assert other in services, (name, other)
            assert not needs_health or "healthcheck" in services[other], (name, other)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source == "./drop" or (ROOT / source).is_file(), (
                name,
                volume,
            )
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} would listen to every network"


def test_the_api_holds_no_owner_password(environments):
    assert "FOLIO_DSN" not in environments["api"]
    assert "OWNER" not in str(environments["api"])


def test_the_image_of_folio_is_built_from_files_that_exist(compose):
    own = [service for service in compose["services"].values() if service["image"] == "folio:local"]
    builds = [service["build"] for service in own]
    assert len(own) >= 7
    assert builds == [builds[0]] * len(builds)
    dockerfile = (ROOT / builds[0]["dockerfile"]).read_text()
    copied = re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", dockerfile, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert "requirements.txt" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert "--require-hashes" in dockerfile


def write() -> None:
    """Write the generated parts of `.env.example` and docs/settings.md."""
    rest = ENV_EXAMPLE.read_text().partition(COMPOSE_ONLY)[2] if ENV_EXAMPLE.exists() else "\n"
    ENV_EXAMPLE.write_text(expected_env_example() + COMPOSE_ONLY + rest)
    text = TABLE.read_text()
    start = text.index("| setting |") if "| setting |" in text else len(text)
    TABLE.write_text(text[:start] + expected_table())


if __name__ == "__main__":
    write()
