"""The synthetic city: people, households and what six county bureaus write down about them.

Nobody in it is real: identity numbers carry area codes that were never assigned, names are a
surname and 某某. `generate` writes the bureaus' files, `tables` gives the same rows pooled in the
clear for checks. How far the numbers may be trusted is said in datasets/README.md.
"""

from jincheng.cards import TABLES, ColumnCard, TableCard
from jincheng.city import CityFiles, generate, tables
from jincheng.counties import COUNTIES, County
from jincheng.errors import CityError, CitySizeError, FileFormatError, IdentifierError

__all__ = [
    "COUNTIES",
    "TABLES",
    "CityError",
    "CityFiles",
    "CitySizeError",
    "ColumnCard",
    "County",
    "FileFormatError",
    "IdentifierError",
    "TableCard",
    "generate",
    "tables",
]
