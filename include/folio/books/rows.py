"""What every kind of book row has in common: its table, its key, and how a bad one says so."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from folio.books.known import Known


class RowError(ValueError):
    """A row cannot be taken in; the text names the column and what is wrong."""


class BookRow(BaseModel):
    """One row as its file says it: frozen, unknown columns refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: ClassVar[str]
    """Name of the file's kind, the dataset of its loads."""
    table: ClassVar[str]
    """Relation in schema raw that keeps its versions."""
    key: ClassVar[tuple[str, ...]]
    """Columns of `table` that tell rows apart."""
    columns: ClassVar[tuple[str, ...]]
    """Columns of `table` that this row fills, in the order of `values`."""

    @classmethod
    def read(cls, cells: dict[str, str]) -> Self:
        """Row of non-empty cells by column; RowError names every column that cannot be used."""
        return cls.of(cells)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """As `read`, of values that may have their types already."""
        try:
            return cls.model_validate(values)
        except ValidationError as refused:
            raise RowError("; ".join(_sentence(error) for error in refused.errors())) from None

    def check(self, known: Known) -> None:
        """Raise UnknownNameError or RowError where the row refers to something unknown or contradicts it."""

    def values(self) -> tuple[object, ...]:
        """Cells of the raw table in the order of `columns`."""
        return tuple(getattr(self, column) for column in self.columns)

    def values_by(self, known: Known) -> tuple[object, ...]:
        """As `values`, of a row that was checked against what is known: names are keys there."""
        return self.values()

    def identities(self) -> tuple[tuple[str, str], ...]:
        """(kind, source key) of everything this row introduces."""
        return ()


def _sentence(error: object) -> str:
    """One pydantic complaint as `column x: what is wrong`."""
    assert isinstance(error, dict)
    column = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"column {column}: empty"
    if error["type"] == "literal_error":
        return f"column {column}: unknown value {error['input']!r}; known are {error['ctx']['expected']}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"column {column}: {message}" if column else message
