"""Publish a night: say what it may have changed, make room for it, let readers see it whole."""

from pathlib import Path

from folio.jobs import touches
from folio.settings import Settings, settings
from folio.store import publish as store
from folio.store import warehouse
from folio.store.publish import Publication


def manifest_path(current: Settings | None = None) -> Path:
    """Where dbt leaves the manifest of this instance's last stage."""
    known = current or settings()
    return known.state / "dbt" / known.instance / "target" / "manifest.json"


def publish(night: str) -> Publication | None:
    """Let readers see a built night; None when nothing that is served had changed.

    Raises
    ------
    PublicationError
        The built tables cannot be published as they are; readers keep the last publication.
    """
    manifest = store.load_manifest(manifest_path())
    touches.mark(night, manifest)
    with warehouse.connect() as connection:
        store.provision(connection, manifest)
        return store.publish(connection, manifest, night)
