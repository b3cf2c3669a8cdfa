"""A department's table in a CSV file (RFC 4180, with a header), read by DuckDB in one stream.

We decode the file ourselves and hand UTF-8 to DuckDB through an anonymous pipe. So both encodings go one way, a byte
that cannot be decoded is an error, no copy of a row touches a disk, a few buffers are all the memory it takes, and
DuckDB may be forbidden every file and every extension: its own GB18030 would have to be downloaded.

The file is opened anew for every call, so that a replaced file is seen and nothing is held in between.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar

import duckdb

from federation.adapters.duck import DuckTable, limited
from federation.adapters.pushdown import PushDownAdapter
from federation.adapters.values import TEXT_TYPES
from federation.errors import DataError, SettingsError
from federation.plan import Column

logger = logging.getLogger(__name__)

ENCODINGS = ("utf-8", "gb18030")

# What is decoded at a time. The header must lie in the first chunk: a file without line ends must not fill the memory.
CHUNK_BYTES = 1 << 20

BYTE_ORDER_MARK = "\ufeff"

# What DuckDB's reader would otherwise guess. It forgives a row one field too many if that field reads as null; so
# nothing does (a line feed cannot stand unquoted in a field), and blanks become null in our SQL. It keeps two buffers;
# parallel = false, though it reads no faster here, would make it keep all of them.
READER_OPTIONS = (
    "auto_detect = false, header = true, strict_mode = true, buffer_size = 4194304, "
    "delim = ',', quote = '\"', escape = '\"', nullstr = 'no\nnull'"
)


class CsvAdapter(PushDownAdapter):
    """Reads one CSV file. An empty field is null, an empty line is no row."""

    settings: ClassVar[Sequence[str]] = ("path", "encoding")

    def __init__(self, columns: tuple[Column, ...], path: str, encoding: str = "utf-8") -> None:
        """Name the file.

        Args:
            columns: what is declared; every query brings those that it needs.
            path: the file.
            encoding: utf-8 or gb18030, which covers GBK and GB 2312; a byte order mark is skipped.

        Raises:
            SettingsError: another encoding.
        """
        if encoding not in ENCODINGS:
            raise SettingsError("settings.encoding", encoding=encoding, known=", ".join(ENCODINGS))
        self._path = Path(path)
        self._encoding = encoding

    @contextmanager
    def _open(self) -> Iterator[_CsvTable]:
        # Python's and DuckDB's messages quote the data: they go neither into our error nor into the log.
        try:
            with self._path.open("rb") as file:
                yield _CsvTable(file, self._encoding)
        except UnicodeError:
            raise DataError("data.encoding") from None
        except (OSError, csv.Error) as exc:
            logger.warning("cannot read the file: %s", type(exc).__name__)
            raise DataError("data.unreadable") from None
        except duckdb.Error as exc:
            place = re.search(r"CSV Error on (Line: \d+)", str(exc))
            logger.warning("duckdb cannot read the file: %s", place[1] if place else type(exc).__name__)
            raise DataError("data.unreadable") from None


class _CsvTable(DuckTable):
    """The file in DuckDB's SQL: columns are called c0, c1, ..., so that no name out of the header becomes SQL."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        lines = csv.reader(io.StringIO(next(self._decoded(), ""), newline=""), strict=True)
        self.columns = tuple(next(lines, ()))
        if not self.columns:
            logger.warning("cannot read the file: no header")
            raise DataError("data.unreadable")
        names = ", ".join(f"c{index}: 'VARCHAR'" for index in range(len(self.columns)))
        self.source = f"read_csv($stream, columns = {{{names}}}, {READER_OPTIONS})"

    def field(self, column: Column) -> str:
        if column.name not in self.columns:
            raise DataError("data.column_missing", column=column.name)
        if self.columns.count(column.name) > 1:
            logger.warning("cannot read the file: two columns are called %r", column.name)
            raise DataError("data.unreadable")
        stored = f"c{self.columns.index(column.name)}"
        return f"nullif({stored}, '')" if column.type in TEXT_TYPES else f"nullif(trim({stored}), '')"

    def value(self, field: str, column: Column) -> str:
        return field if column.type in TEXT_TYPES else self.value_of_text(field, column)

    @contextmanager
    def connected(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, object]]]:
        # The connection ends before the stream: it holds the pipe's reading end, which would keep the feeder waiting.
        with self._stream() as stream, limited([stream]) as connection:
            yield connection, {"stream": stream}

    @contextmanager
    def _stream(self) -> Iterator[str]:
        """Feed the file into a pipe from a thread; yield the name under which DuckDB can open the other end."""
        reading, writing = os.pipe()
        with ThreadPoolExecutor(max_workers=1) as pool:
            feeding = pool.submit(self._feed, writing)
            try:
                yield f"/dev/fd/{reading}"
            finally:
                os.close(reading)
                # If the file cannot be decoded, DuckDB saw it end early: whatever it made of that, this is the reason.
                feeding.result()

    def _feed(self, writing: int) -> None:
        # DuckDB stops reading at its first error, which it reports itself.
        with suppress(BrokenPipeError), open(writing, "w", encoding="utf-8", newline="") as pipe:
            pipe.writelines(self._decoded())

    def _decoded(self) -> Iterator[str]:
        """Decode the file from its beginning, chunk by chunk."""
        self._file.seek(0)
        chunks = codecs.iterdecode(iter(partial(self._file.read, CHUNK_BYTES), b""), self._encoding)
        yield next(chunks, "").removeprefix(BYTE_ORDER_MARK)
        yield from chunks
