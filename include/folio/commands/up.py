"""`folio up`: start the services of an instance and show where they are."""

from rich.console import Console

from folio.commands.status import show
from folio.services.instance import Instance
from folio.settings import settings


def up() -> None:
    """Start what is not running of Postgres, Airflow, API and mail catcher, and wait until all is healthy.

    Run again, it changes nothing. An instance that the demo or a replay made comes up with its sandbox.

    Example: `folio up`, `folio --instance live up`
    """
    console = Console(stderr=True)
    instance = Instance.load(settings()).up(
        lambda service, news: console.print(f"  {service:14} {news}", highlight=False)
    )
    show(instance)
