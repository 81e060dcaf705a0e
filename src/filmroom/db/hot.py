"""Statements that every upload or request needs: compiled once, then run on the driver itself.

SQLAlchemy Core spends some 70 µs on each execution of a statement whose SQL it knows already, and SQLite 10; an upload
is a dozen statements. The SQL is still SQLAlchemy's, for whichever database there is; only its execution is not.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

from filmroom.db.drivers import Driver, driver_of

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL for one database. ``order`` names its positional parameters, ``fixed`` has the values of its own."""

    driver: Driver
    sql: str
    errors: "DriverErrors"
    order: tuple[str, ...]
    fixed: Mapping[str, Any]
    to_database: Mapping[str, Convert]
    from_database: tuple[tuple[int, Convert], ...]
    make_row: Callable[..., Any]

    def do(self, run: Callable[..., Any], connection: Connection, values: Mapping[str, Any]) -> Any:
        """What comes of one of the driver's ways to run a statement."""
        parameters = self._converted({**self.fixed, **values}, self.to_database)
        try:
            return run(connection, self.sql, [*map(parameters.__getitem__, self.order)])
        except self.errors.kind as error:
            raise self.errors.told(error) from error

    def run_all(self, connection: Connection, rows: Iterable[Mapping[str, Any]], shared: Mapping[str, Any]) -> None:
        """Once for each of these rows, which have the shared values besides their own."""
        with self.errors:
            self.driver.run_all(connection, self.sql, list(self._given_all(rows, shared)))

    def _given_all(self, rows: Iterable[Mapping[str, Any]], shared: Mapping[str, Any]) -> Iterator[list[Any]]:
        known = {**self.fixed, **self._converted(dict(shared), self.to_database.keys() & shared)}
        own = self.to_database.keys() - shared
        for row in rows:
            parameters = self._converted({**known, **row}, own)
            yield [parameters[name] for name in self.order]

    def to_row(self, raw: Sequence[Any]) -> Any:
        if not self.from_database:
            return self.make_row(*raw)
        cells = list(raw)
        for place, convert in self.from_database:
            cells[place] = convert(cells[place])
        return self.make_row(*cells)

    def _converted(self, values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
        for name in names:
            values[name] = self.to_database[name](values[name])
        return values


class Hot:
    """A statement with named parameters and, if it gives rows, named columns. No parameter may be a list.

    ``columns`` are those that an INSERT without values of its own fills; its parameters are named like them.
    """

    def __init__(self, statement: ClauseElement, *, columns: tuple[str, ...] = ()) -> None:
        self._statement = statement
        self._columns = columns or None
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        compiled = self._for(connection)
        changed: int = compiled.do(compiled.driver.run, connection, values)[0]
        return changed

    def queue(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run it, for units that wait for no result; what it raises may come out of their next statement, or COMMIT."""
        compiled = self._for(connection)
        compiled.do(compiled.driver.queue, connection, values)

    def run_all(self, connection: Connection, rows: Iterable[Mapping[str, Any]], *, shared: Mapping[str, Any]) -> None:
        """Run it once for each of many sets of values besides those they share; for statements that give no rows."""
        self._for(connection).run_all(connection, rows, shared)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row, its columns as attributes; None for no row."""
        compiled = self._for(connection)
        _, rows = compiled.do(compiled.driver.run, connection, values)
        return compiled.to_row(rows[0]) if rows else None

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows, their columns as attributes; for statements that give few."""
        compiled = self._for(connection)
        _, rows = compiled.do(compiled.driver.run, connection, values)
        return [compiled.to_row(raw) for raw in rows]

    def _for(self, connection: Connection) -> _Compiled:
        return self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)

    def _compile(self, dialect: Dialect) -> _Compiled:
        driver = driver_of(dialect)
        make_dialect: Any = type(dialect)
        compiled: Any = self._statement.compile(
            dialect=make_dialect(paramstyle=driver.paramstyle), column_keys=self._columns
        )
        columns = list(getattr(self._statement, "exported_columns", ()))
        made = _Compiled(
            driver=driver,
            sql=str(compiled),
            errors=DriverErrors(str(compiled), dialect),
            order=tuple(compiled.positiontup),
            fixed={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
            to_database=_converters({name: bind.type for name, bind in compiled.binds.items()}, "bind", dialect),
            from_database=tuple(_converters(dict(enumerate(c.type for c in columns)), "result", dialect).items()),
            make_row=namedtuple("Row", [column.name for column in columns]),  # noqa: PYI024 - only the statement knows its fields
        )
        self._compiled[dialect.name] = made
        return made


@dataclass(frozen=True, slots=True)
class DriverErrors:
    """Errors of the driver leave as SQLAlchemy's. A generator in its place would cost as much as a quick statement."""

    sql: str
    dialect: Dialect

    @property
    def kind(self) -> type[Exception]:
        """What all errors of the driver are."""
        kind: type[Exception] = self.dialect.loaded_dbapi.Error
        return kind

    def told(self, error: Exception) -> Exception:
        """One of them as SQLAlchemy has it."""
        return DBAPIError.instance(self.sql, None, error, self.kind, dialect=self.dialect)

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self.kind):
            raise self.told(error) from error


def _converters(types: Mapping[Any, Any], direction: str, dialect: Dialect) -> dict[Any, Convert]:
    """What must be done to each parameter or column, for those where anything must."""
    converters: dict[Any, Convert] = {}
    for key, kind in types.items():
        implementation = kind.dialect_impl(dialect)
        convert = (
            implementation.bind_processor(dialect)
            if direction == "bind"
            else implementation.result_processor(dialect, None)
        )
        if convert is not None:
            converters[key] = convert
    return converters
