"""The `folio` command: each module of `folio.commands` is a command or a group of them."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from folio import commands, settings
from folio.errors import FolioError
from folio.services.instance import Instance

app = typer.Typer(
    name="folio",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run the nightly investment pipeline on this machine and look at what it made.",
    epilog="""Examples: `folio demo` (everything, from nothing), `folio status --json`,
    `folio --instance replay status`, `folio down --all`. Each command has its own `--help`.
    Settings are FOLIO_... variables in the environment or in `.env` (see .env.example).""",
)


@app.callback()
def prepare(
    instance: Annotated[
        str | None, typer.Option(help="Name of the set of databases and services (else FOLIO_INSTANCE).")
    ] = None,
) -> None:
    """Work with the ports and providers of the instance, as its services do."""
    if instance is not None:
        os.environ["FOLIO_INSTANCE"] = instance
        settings.settings.cache_clear()
    Instance.load(settings.settings()).enter()


def add_commands(names: Iterable[str]) -> None:
    """Add modules of `folio.commands`: `app` is a group, a function of the module's name a command."""
    for name in names:
        module = importlib.import_module(f"{commands.__name__}.{name}")
        if isinstance(group := getattr(module, "app", None), typer.Typer):
            app.add_typer(group, name=name)
        else:
            app.command(name.replace("_", "-"))(getattr(module, name))


add_commands(sorted(module.name for module in pkgutil.iter_modules(commands.__path__)))


def main() -> None:
    """Run the command line; an error of Folio's own is one clear message and status 1, not a traceback."""
    screen = Console(stderr=True, soft_wrap=True)
    try:
        app()
    except FolioError as error:
        screen.print("error:", style="bold red", end=" ")
        screen.print(str(error), markup=False, highlight=False)
        sys.exit(1)
    except psycopg.OperationalError as error:
        screen.print("error:", style="bold red", end=" ")
        screen.print(
            f"The database does not answer; `folio up` starts it. {error}", markup=False, highlight=False
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
