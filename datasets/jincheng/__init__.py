"""The synthetic city: people, households, firms, and what the departments write down about them.

Nobody in it is real: identity numbers carry area codes that were never assigned, names are a
surname and 某某. `generate` writes the departments' files, `tables` gives the same rows pooled in the
clear for checks, `planted` knows the answers, and `jincheng.lab` has the cases that models learn from.
How far the numbers may be trusted is said in datasets/README.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from jincheng.answers import Planted, planted
from jincheng.cards import ColumnCard, Department, TableCard
from jincheng.city import CityFiles, generate, tables
from jincheng.counties import COUNTIES, County
from jincheng.departments import BUREAUS, DEPARTMENTS, HOSPITALS
from jincheng.dirt import Dirt
from jincheng.errors import CityError, CitySizeError, FileFormatError, IdentifierError

# The tables of a county bureau, by name.
TABLES: Mapping[str, TableCard] = MappingProxyType({table.name: table for table in BUREAUS[0].tables})

__all__ = [
    "BUREAUS",
    "COUNTIES",
    "DEPARTMENTS",
    "HOSPITALS",
    "TABLES",
    "CityError",
    "CityFiles",
    "CitySizeError",
    "ColumnCard",
    "County",
    "Department",
    "Dirt",
    "FileFormatError",
    "IdentifierError",
    "Planted",
    "TableCard",
    "generate",
    "planted",
    "tables",
]
