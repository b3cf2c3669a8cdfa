"""A department's table in a file of fixed-width text, as mainframes export it: an adapter in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from federation.adapters import Column, Condition, DataError
from federation.adapters.rows import record_batches
from federation.adapters.scan import ScanAdapter


class FixedWidthAdapter(ScanAdapter):
    """Reads one file. Blanks around a field do not count, and a blank field is null."""

    settings: ClassVar[Sequence[str]] = ("path", "layout", "encoding")

    def __init__(self, columns: tuple[Column, ...], path: str, layout: str, encoding: str = "utf-8") -> None:
        """Name the file.

        Args:
            columns: what is declared.
            path: the file.
            layout: name and width in characters of every field, in order: "id:18 sex:1 age:3".
            encoding: any that Python knows.
        """
        self._path, self._encoding = Path(path), encoding
        self._slices: dict[str, slice] = {}
        start = 0
        for field in layout.split():
            name, _, width = field.rpartition(":")
            self._slices[name] = slice(start, start + int(width))
            start += int(width)

    def schema(self) -> tuple[str, ...]:
        """Name the columns as the layout does."""
        return tuple(self._slices)

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream the rows."""
        try:
            with self._path.open(encoding=self._encoding) as lines:
                slices = [self._slices[column.name] for column in columns]
                rows = ([line[place].strip() for place in slices] for line in (line.rstrip("\n") for line in lines))
                yield from record_batches(columns, rows)
        # Their words quote the data; a code and nothing else leaves an adapter.
        except UnicodeError:
            raise DataError("data.encoding") from None
        except OSError:
            raise DataError("data.unreadable") from None

    @staticmethod
    def specimen(folder: Path, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> Mapping[str, str]:
        """Write made-up rows, for `keyong adapter check`; nothing else calls it."""
        shown = [["" if cell is None else str(cell) for cell in row] for row in rows]
        widths = [max([1, *map(len, cells)]) for cells in zip(*shown, strict=True)] if shown else [1] * len(columns)
        lines = ("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in shown)
        file = folder / "specimen.txt"
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        layout = " ".join(f"{column.name}:{width}" for column, width in zip(columns, widths, strict=True))
        return {"path": str(file), "layout": layout}
