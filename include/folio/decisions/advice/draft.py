"""Drafts: what a writer hands in, text with placeholders, and its rendering with the facts' display forms."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from folio.decisions.advice.facts import FactPack

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Item(BaseModel):
    """One ranked action in words; figures stand as placeholders such as `{account_value}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    menu_id: str
    headline: Annotated[str, Field(min_length=1)]
    body: Annotated[str, Field(min_length=1)]


class Draft(BaseModel):
    """Every action of the menu once, the best first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recommendations: tuple[Item, ...]


def cited(text: str) -> Iterator[str]:
    """Ids in the placeholders of a text, in their order."""
    for match in PLACEHOLDER.finditer(text):
        yield match.group(1)


def render(text: str, pack: FactPack) -> str:
    """The text with each placeholder replaced by its fact's display form; KeyError on an unknown one."""
    known = pack.by_id
    return PLACEHOLDER.sub(lambda match: known[match.group(1)].display, text)
