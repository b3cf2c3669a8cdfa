"""Errors of the synthetic city. Every class ends in Error and says whose fault it is.

CityError
├─ CitySizeError     the caller asked for a city that is too small or too large
├─ FileFormatError   the caller named a department or a file format that does not exist
└─ IdentifierError   a text is not a resident identity number, nor a unified social credit code
"""


class CityError(Exception):
    """Something about the synthetic city is not as it must be."""


class CitySizeError(CityError, ValueError):
    """A city of this size cannot be drawn."""


class FileFormatError(CityError, ValueError):
    """No such department, or no such file format."""


class IdentifierError(CityError, ValueError):
    """Not a resident identity number of GB 11643-1999, or not a code of GB 32100-2015."""
