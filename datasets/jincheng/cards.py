"""Data cards: what every column means, its bounds, and what it may be used for; and who holds which table.

A department's catalogue is made from these cards, and so is the policy it starts with. They say only
what is public: bounds, values and cut points hold for every city, whoever is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from jincheng.counties import County

if TYPE_CHECKING:
    from jincheng.chunks import Chunk

# Column name -> one value for each row, in the order of the table's card; a masked value is null.
Rows = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCard:
    """One column.

    Attributes:
        type: integer, text, date or boolean (0 and 1 in CSV and SQLite).
        unit: of the integers as they are written; empty where there is none.
        uses: never, or some of join_key, filter, group_by, aggregate, feature, plain.
        bounds: lowest and highest value there can be, both included; what lies beyond is written as the bound.
        values: all the texts there can be.
        cuts: public cut points; filters compare with these only, groups lie between them.
        nullable: whether a row may have none (an empty cell).
        target: what a model is to predict; never one of its inputs.
    """

    name: str
    type: str
    unit: str = ""
    label_zh: str
    label_en: str
    uses: tuple[str, ...]
    bounds: tuple[int, int] | None = None
    values: tuple[str, ...] | None = None
    cuts: tuple[int, ...] | None = None
    nullable: bool = False
    target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCard:
    """One table, the same at every department that holds it.

    Attributes:
        about_zh: whom there is a row about.
        id_column: the number that tells whom a row is about.
        coverage: part of those people, households or firms that the department knows about, where a city
            is drawn with real coverage.
        rows: writes the table's rows about one chunk of the city. These functions are the only door out of
            the generator: latent values and what no department sees stay behind it.
    """

    name: str
    label_zh: str
    label_en: str
    about_zh: str
    about_en: str
    id_column: str
    columns: tuple[ColumnCard, ...]
    coverage: float = 1.0
    rows: Callable[[Chunk], Rows] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """One department: a folder of files, and a node of the federation.

    Attributes:
        key: folder and department name.
        county: the only county that its rows are about; None if they are about the whole city.
    """

    key: str
    label_zh: str
    label_en: str
    tables: tuple[TableCard, ...]
    county: County | None = None
