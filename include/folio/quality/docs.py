"""Pages of what was expected of each batch and what was seen, built by Great Expectations."""

from pathlib import Path
from typing import Any


def context(pages: Path | None) -> Any:
    """Context of Great Expectations: nothing of it lasts, but for what it keeps under `pages` where given."""
    import great_expectations as gx
    from great_expectations.data_context.types import base

    silent = base.ProgressBarsConfig(globally=False)
    if pages is None:
        return gx.get_context(
            mode="ephemeral",
            project_config=base.DataContextConfig(
                store_backend_defaults=base.InMemoryStoreBackendDefaults(), progress_bars=silent
            ),
        )
    pages.mkdir(parents=True, exist_ok=True)
    return gx.get_context(
        mode="ephemeral",
        project_config=base.DataContextConfig(
            store_backend_defaults=base.FilesystemStoreBackendDefaults(root_directory=str(pages)),
            progress_bars=silent,
        ),
    )


def build(pages: Path) -> Path:
    """Build the pages of all kept results; gives the one to open first."""
    built = context(pages).build_data_docs()
    return Path(next(iter(built.values())).removeprefix("file://"))
