"""Publish a night: say what it may have changed, make room for it, let readers see it whole."""

from pathlib import Path

from folio.jobs import touches, transformation
from folio.store import publish as store
from folio.store import warehouse
from folio.store.publish import Publication


def manifest_path() -> Path:
    """Where dbt leaves the manifest of this instance's last stage."""
    return transformation.target_folder() / "manifest.json"


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
