"""A department's table in any database that SQLAlchemy has a dialect for; counted and summed in our own code.

Dialects differ in the order of texts, the width of integers and what a CAST does. So the server is asked for the rows
only, streams them into the department's own process, and `federation.adapters.scan` does the rest, exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import pyarrow as pa
import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from federation.adapters.password import read_password
from federation.adapters.rows import record_batches
from federation.adapters.scan import ScanAdapter
from federation.adapters.values import BATCH_ROWS
from federation.errors import DataError, SettingsError
from federation.plan import Column, Condition

logger = logging.getLogger(__name__)


class SqlalchemyAdapter(ScanAdapter):
    """Reads one table or view."""

    settings: ClassVar[Sequence[str]] = ("url", "table", "schema", "path", "password_env", "password_file")

    def __init__(
        self,
        columns: tuple[Column, ...],
        url: str,
        table: str,
        schema: str = "",
        path: str = "",
        password_env: str = "",
        password_file: str = "",
    ) -> None:
        """Name the table.

        Args:
            columns: what is declared; every query brings those that it needs.
            url: dialect+driver://account@/database?..., without a password.
            table: the table's or view's name.
            schema: the one it is in, if not the account's own.
            path: the database file, for dialects that read one (url = "sqlite://").
            password_env: the environment variable that holds the password.
            password_file: the file in the department's home that does.

        Raises:
            SettingsError: no such dialect or driver, or the password is not where the settings say.
        """
        password = read_password(password_env, password_file)
        try:
            place = sqlalchemy.make_url(url)
            place = place.set(password=password) if password is not None else place
            place = place.set(database=path) if path else place
            # Without a pool: a connection lasts for one call. Without parameters in errors: they could be personal.
            self._engine = sqlalchemy.create_engine(place, poolclass=sqlalchemy.NullPool, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError, ImportError):
            raise SettingsError("settings.dialect", dialect=url.partition(":")[0]) from None
        self._table, self._schema = table, schema or None

    def schema(self) -> tuple[str, ...]:
        """Name the columns of the table."""
        with self._connected() as connection:
            found = sqlalchemy.inspect(connection).get_columns(self._table, schema=self._schema)
            return tuple(str(column["name"]) for column in found)

    def batches(self, columns: Sequence[Column], where: Sequence[Condition] = ()) -> Iterator[pa.RecordBatch]:
        """Stream rows, all of them; see `federation.adapters.Adapter`."""
        with self._connected() as connection:
            found = {str(c["name"]) for c in sqlalchemy.inspect(connection).get_columns(self._table, self._schema)}
            for column in columns:
                if column.name not in found:
                    raise DataError("data.column_missing", column=column.name)
            table = sqlalchemy.table(
                self._table,
                *(sqlalchemy.column(column.name) for column in columns),
                schema=self._schema,
            )
            rows = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(
                sqlalchemy.select(*table.columns)
            )
            yield from record_batches(columns, (tuple(row) for row in rows))

    @contextmanager
    def _connected(self) -> Iterator[sqlalchemy.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except NoSuchTableError:
            raise DataError("data.table_missing") from None
        except SQLAlchemyError as exc:
            # Its words quote the statement, the server's the data and the account.
            logger.warning("%s: %s", self._engine.dialect.name, type(exc).__name__)
            lost = getattr(exc, "connection_invalidated", False) or isinstance(exc, sqlalchemy.exc.OperationalError)
            raise DataError("data.unreachable" if lost else "data.unreadable") from None
