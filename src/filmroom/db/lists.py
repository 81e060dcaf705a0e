"""Lists and searches as one SELECT: what is asked for, what hangs around it, and only what may be read.

Nobody is asked for permission here: a ``Reach`` says what may be read, and every thing that a row tells of is held to
it, be it what the row is of or something around that.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    TextClause,
    UnaryExpression,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from filmroom.db.batches import iter_batches
from filmroom.db.columns import Text
from filmroom.db.conditions import to_sql
from filmroom.db.facts import FACTS, RESOURCE_FACTS, count_readable, id_of, label_of
from filmroom.db.fieldsql import OWN_COLUMNS, field_text
from filmroom.db.reach import by_share, of_projects, readable
from filmroom.db.schema import has_sitewide_id, name, node, resource
from filmroom.db.unindexed import Unindexed
from filmroom.model.datatypes import data_types
from filmroom.model.lists import COUNTED, MANY, RESOURCES_OF, All, Column, Condition, Fact, Part, Wanted, iter_columns
from filmroom.model.nodes import Kind
from filmroom.model.permission import Reach
from filmroom.model.structure import DataType

_FIELDS_TAKEN_SINGLY: Final = 3
_KINDS_OF_PARTS: Final = {
    Part.EXPERIMENT: Kind.EXPERIMENT,
    Part.SCAN: Kind.SCAN,
    Part.RECONSTRUCTION: Kind.RECONSTRUCTION,
    Part.ASSESSOR: Kind.EXPERIMENT,
}
_IN_SESSIONS: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION, Kind.ASSESSOR})
# What everybody who sees a thing is told of what is above it.
_TOLD: Final = frozenset({Fact.ID, Fact.LABEL, Fact.PROJECT})


# Made once: an alias knows a column of its own for each of its table.
_HERE: Final = name.alias("here")
_PROJECT: Final = node.alias("project")
_SUBJECT: Final = node.alias("subject")
_SESSION: Final = node.alias("session")
_BETWEEN: Final = node.alias("between")
_ASKED: Final = node.alias("asked")
_ASKED_NAME: Final = name.alias("asked_name")
_REPEATED: Final[dict[Part, FromClause]] = {
    part: (name if part is Part.SHARE else resource if part in RESOURCES_OF else node).alias(part.replace(" ", "_"))
    for part in Part
    if part in MANY
}
_TABLES: Final[dict[Part, FromClause]] = {
    Part.SELF: node,
    Part.PROJECT: _PROJECT,
    Part.SUBJECT: _SUBJECT,
    Part.SESSION: _SESSION,
    **_REPEATED,
}
_NAMED: Final = {part: name.alias(f"{part}_name") for part in (Part.SELF, Part.SUBJECT, Part.SESSION)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where rows are looked for.

    ``inside`` are the pks of the subjects or sessions that they are below (None: anywhere), and ``inside_kind`` says
    which of these. ``project_pk`` is the project in which they must have a name, their own or that of a share (None:
    any). ``shown_project`` is the ID of the project that experiments are shown in, where that is not their own.
    ``reach`` is what the viewer may read among the rows, ``around`` what of all else. ``is_own`` leaves only what may
    be read because of the project that it belongs to, which can be looked up by project; False only all else.
    ``peopled`` are the projects of which the viewer may be told who owns them.
    """

    inside: tuple[int, ...] | None = None
    inside_kind: Kind = Kind.SUBJECT
    project_pk: int | None = None
    shown_project: str | None = None
    reach: Reach
    around: Reach
    is_own: bool | None = None
    peopled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows as the database gives them: ``places`` has where in a row each column's value is.

    ``documents`` are the places where the JSON of all fields of a part stands in for the value of any of them. A moment
    is in microseconds since 1970.
    """

    batches: Generator[Sequence[Sequence[Any]], None, None]
    places: tuple[int, ...]
    documents: frozenset[int]


def read_rows(connection: Connection, wanted: Wanted, scope: Scope) -> Raw:
    """The rows that are wanted, in an order that does not change while nothing else does.

    Where there is no limit whoever asks keeps all of them, to count or to sort them.
    Raises ValueError for a column of what is not around rows of these kinds.
    """
    query = _Query(wanted, scope)
    places = tuple(query.place(column) for column in wanted.columns)
    batches = iter_batches(connection, query.finished(), are_kept=wanted.limit is None)
    return Raw(batches, places, frozenset(query.documents))


@dataclass
class _Query:
    wanted: Wanted
    scope: Scope
    selected: list[ColumnElement[Any]] = field(default_factory=list)
    known: dict[tuple[Part, str, bool], int] = field(default_factory=dict)
    documents: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.kinds = frozenset(self.wanted.kinds)
        # Labels that are asked about are joined, so that the search can begin with them.
        self.named: dict[Part, FromClause] = {
            column.part: _NAMED[column.part]
            for column in iter_columns(self.wanted.condition)
            if column.what is Fact.LABEL and column.part in _NAMED
        }
        self.columns = self.wanted.all_columns
        fields = {(one.part, one.what) for one in self.wanted.columns if _is_in_json(one)}
        self.fields_shown = Counter(part for part, _ in fields)
        if strays := {column.part for column in self.columns} & self._not_joined():
            raise ValueError(f"{strays} is not around the rows: it would tell of the whole archive")
        asked = {column.part for column in self.columns}
        asked |= {RESOURCES_OF[part] for part in asked if part in RESOURCES_OF}
        self.many = tuple(part for part in Part if part in MANY and part in asked)
        shown = {column.part for column in self.wanted.columns}
        self.many_shown = tuple(part for part in self.many if part in shown)

    # What is selected

    def place(self, column: Column) -> int:
        """Where in a row the value of a column is."""
        is_document = self._needs_document(column)
        key = (column.part, "" if is_document else column.what, isinstance(column.what, Fact))
        if key not in self.known:
            self.known[key] = len(self.selected)
            if is_document:
                self.documents.add(self.known[key])
                self.selected.append(self._told(column, _TABLES[column.part].c.fields))
            else:
                self.selected.append(self.express(column))
        return self.known[key]

    def _needs_document(self, column: Column) -> bool:
        """Whether a field is taken out of the JSON later: one that holds several texts, or is one of many fields."""
        return _is_in_json(column) and (column.repeats or self.fields_shown[column.part] > _FIELDS_TAKEN_SINGLY)

    def express(self, column: Column) -> ColumnElement[Any]:
        """The value of a column in SQL: a text, or a number for numbers and moments."""
        table = _TABLES[column.part]
        if not isinstance(column.what, Fact):
            read = field_text(table.c.fields, column.what) if _is_in_json(column) else table.c[column.what]
            return self._told(column, read)
        if column.part is Part.SHARE:
            told: ColumnElement[Any] = table.c.label if column.what is Fact.LABEL else id_of(table.c.project_pk)
            return told
        if column.part in RESOURCES_OF:
            return RESOURCE_FACTS[column.what](table)
        if column.what in COUNTED:
            return count_readable(table.c.pk, COUNTED[column.what], self.scope.around)
        return self._told(column, self._fact(column.part, column.what, table))

    def _told(self, column: Column, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        """Nothing but its name is told of what is above a thing and may not be read; who owns it is told to some."""
        if column.what is Fact.OWNERS:
            return case((_TABLES[column.part].c.pk.in_(self.scope.peopled), expression))
        if column.part not in {Part.PROJECT, Part.SUBJECT, Part.SESSION} or column.what in _TOLD:
            return expression
        is_readable = readable(_TABLES[column.part], self.scope.around, is_project=column.part is Part.PROJECT)
        return expression if is_readable is None else case((is_readable, expression))

    def _fact(self, part: Part, fact: Fact, table: FromClause) -> ColumnElement[Any]:
        is_row = part is Part.SELF
        if fact is Fact.LABEL and is_row and self.scope.project_pk is not None and not self.kinds & _NAMELESS:
            return func.coalesce(_HERE.c.label, label_of(node.c.pk))
        if fact is Fact.LABEL and part in self.named:
            label: ColumnElement[Any] = self.named[part].c.label
            return label
        if fact is Fact.PROJECT:
            if is_row and self.scope.shown_project is not None and Kind.SUBJECT not in self.kinds:
                return literal(self.scope.shown_project, Text)
            return _PROJECT.c.id if is_row else id_of(table.c.project_pk)
        return FACTS[fact](table)

    # Where it comes from

    def finished(self) -> Select[Any]:
        conditions = [*self._at_rows(), to_sql(self.wanted.condition, self.express)]
        order = self._order()
        if self.many != self.many_shown:
            # What is only asked about makes no rows of its own.
            compared = (by.element if isinstance(by, UnaryExpression) else by for by in order)
            query = select(*self.selected, *compared).distinct()
        else:
            query = select(*self.selected)
        query = query.select_from(self._joined()).where(*conditions, *self._helped(), *self._below()).order_by(*order)
        if self.wanted.limit is not None:
            query = query.limit(self.wanted.limit)
        return query.offset(self.wanted.offset) if self.wanted.offset else query

    def _helped(self) -> Iterator[TextClause]:
        """What is true anyway, said so that ids that are asked about are looked up."""
        for column in iter_columns(self.wanted.condition):
            if column.what is Fact.PROJECT and column.part is Part.SELF:
                yield has_sitewide_id("project")
            elif column.what is Fact.ID and column.part in _NAMED and not self.kinds & _NAMELESS:
                yield has_sitewide_id("node" if column.part is Part.SELF else column.part)

    def _below(self) -> Iterator[ColumnElement[bool]]:
        """As ``_helped``: what is below the subject that is asked about, where that may be one or two levels up."""
        if not {Kind.EXPERIMENT, Kind.ASSESSOR} <= self.kinds or not isinstance(self.wanted.condition, All):
            return
        for condition in self.wanted.condition.of:
            columns = {(column.part, column.what) for column in iter_columns(condition)}
            if columns in _ASKED_SUBJECTS:
                subjects = _subjects(condition, by_id=columns == {(Part.SUBJECT, Fact.ID)})
                yield node.c.parent_pk.in_(
                    union_all(subjects, select(_BETWEEN.c.pk).where(_BETWEEN.c.parent_pk.in_(subjects)))
                )

    def _if_nothing_else(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A column whose index is of use only where nothing is asked: it would hide that another one is better."""
        return column if self.wanted.condition == All() else Unindexed(column)

    def _order(self) -> list[ColumnElement[Any]]:
        """As they were made: in the archive by project, in a project what it owns before what is shared into it.

        Projects come by ID. An index gives the first rows of the archive without reading all of them.
        """
        order: list[ColumnElement[Any]] = [node.c.modified_at.desc()] if self.wanted.latest else []
        if Kind.PROJECT in self.kinds:
            order.append(node.c.id)
        elif self.scope.project_pk is not None and not self.kinds & _NAMELESS:
            order.append(_HERE.c.is_primary.desc())
        elif self.scope.inside is None:
            order.append(self._if_nothing_else(node.c.project_pk))
        return [*order, node.c.pk, *(_REPEATED[part].c.pk for part in self.many_shown)]

    def _joined(self) -> FromClause:
        joined: FromClause = node
        if self.kinds != {Kind.PROJECT}:
            joined = joined.join(_PROJECT, _live(_PROJECT, _PROJECT.c.pk == node.c.project_pk))
        joined = self._join_above(joined)
        if self.scope.project_pk is not None and Kind.PROJECT not in self.kinds:
            named = _SESSION if self.kinds & _NAMELESS else node
            is_here = and_(_HERE.c.node_pk == named.c.pk, _HERE.c.project_pk == self.scope.project_pk)
            is_here = and_(is_here, _HERE.c.family == (Kind.EXPERIMENT if named is _SESSION else self._stored_kind()))
            joined = joined.join(_HERE, _live(_HERE, is_here))
        for part, table in self.named.items():
            is_own = and_(table.c.node_pk == _TABLES[part].c.pk, table.c.is_primary)
            joined = joined.join(table, _live(table, is_own))
        for part in self.many:
            joined = joined.outerjoin(_REPEATED[part], self._hangs(part))
        return joined

    def _join_above(self, joined: FromClause) -> FromClause:
        """The session and the subject; what is below something deleted is not there."""
        if self.kinds <= {Kind.PROJECT, Kind.SUBJECT}:
            return joined
        if self.kinds == {Kind.EXPERIMENT}:
            return joined.join(_SUBJECT, _live(_SUBJECT, self._is_parent(_SUBJECT, Kind.SUBJECT)))
        if self.kinds <= _IN_SESSIONS:
            joined = joined.join(_SESSION, _live(_SESSION, self._is_parent(_SESSION, Kind.EXPERIMENT)))
            return joined.join(_SUBJECT, _live(_SUBJECT, _SUBJECT.c.pk == _SESSION.c.parent_pk))
        joined = joined.outerjoin(_SESSION, self._is_parent(_SESSION, Kind.EXPERIMENT))
        above = case((_SESSION.c.pk.is_(None), node.c.parent_pk), else_=_SESSION.c.parent_pk)
        return joined.join(_SUBJECT, _live(_SUBJECT, _SUBJECT.c.pk == above))

    def _not_joined(self) -> frozenset[Part]:
        if self.kinds == {Kind.PROJECT}:
            return frozenset({Part.PROJECT, Part.SUBJECT, Part.SESSION})
        if self.kinds == {Kind.SUBJECT}:
            return frozenset({Part.SUBJECT, Part.SESSION})
        return frozenset({Part.SESSION} if self.kinds == {Kind.EXPERIMENT} else ())

    @staticmethod
    def _is_parent(table: FromClause, kind: Kind) -> ColumnElement[bool]:
        return and_(table.c.pk == node.c.parent_pk, table.c.kind == kind)

    def _hangs(self, part: Part) -> ColumnElement[bool]:
        """How a part that is there many times is joined."""
        table = _REPEATED[part]
        if part is Part.SHARE:
            is_seen = true() if self.scope.around.is_everything else table.c.project_pk.in_(self.scope.around.own)
            return _live(table, table.c.node_pk == node.c.pk, ~table.c.is_primary, is_seen)
        if part in RESOURCES_OF:
            hangs = table.c.node_pk == _TABLES[RESOURCES_OF[part]].c.pk
            # Everything else of which there is a row may be read; of a project perhaps no more than its record is seen.
            is_open = readable(node, self.scope.around, is_project=True) if Kind.PROJECT in self.kinds else None
            return _live(table, hangs) if is_open is None else _live(table, hangs, is_open)
        conditions = [table.c.parent_pk == node.c.pk, table.c.kind == _KINDS_OF_PARTS[part]]
        if types := self._types_named(part):
            conditions.append(table.c.xsi_type.in_(types))
        if part in {Part.ASSESSOR, Part.EXPERIMENT}:
            is_readable = readable(table, self.scope.around, session=node if part is Part.ASSESSOR else None)
            conditions += [] if is_readable is None else [is_readable]
        return _live(table, *conditions)

    def _types_named(self, part: Part) -> Sequence[str]:
        """Columns that all name special types of a part leave out those of other types."""
        named = {column.of_type for column in self.columns if column.part is part and column.of_type}
        return sorted({one for data_type in named for one in _extending(data_type)})

    # Which rows

    def _at_rows(self) -> Iterator[ColumnElement[bool]]:
        yield self._if_nothing_else(node.c.kind) == self._stored_kind()
        yield node.c.deleted_at.is_(None)
        if {Kind.EXPERIMENT, Kind.ASSESSOR} <= self.kinds:
            yield or_(_SESSION.c.pk.is_(None), _SESSION.c.deleted_at.is_(None))
        if self.wanted.types is not None:
            yield node.c.xsi_type.in_(sorted({one for known in self.wanted.types for one in _extending(known)}))
        if self.scope.inside is not None:
            yield self._container().c.pk.in_(self.scope.inside)
        session = _SESSION if self.kinds & _IN_SESSIONS else None
        secured = _SESSION if self.kinds & _NAMELESS else node
        is_project = Kind.PROJECT in self.kinds
        is_readable = readable(secured, self.scope.reach, session=session, is_project=is_project)
        if is_readable is not None:
            is_own = of_projects(secured, self.scope.reach.own)
            is_shared = or_(*by_share(secured, self.scope.reach, session))
            yield {None: is_readable, True: is_own, False: and_(is_shared, ~is_own)}[self.scope.is_own]

    def _stored_kind(self) -> Kind:
        (stored,) = {Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind for kind in self.kinds}
        return stored

    def _container(self) -> FromClause:
        return _SESSION if self.scope.inside_kind is Kind.EXPERIMENT else _SUBJECT


_ASKED_SUBJECTS: Final = ({(Part.SUBJECT, Fact.ID)}, {(Part.SUBJECT, Fact.LABEL)})


def _subjects(condition: Condition, *, by_id: bool) -> Select[Any]:
    """The pks of those that a condition on their IDs, else their labels, lets through."""
    if by_id:
        has_id = to_sql(condition, lambda _: _ASKED.c.id)
        return select(_ASKED.c.pk).where(_live(_ASKED, has_sitewide_id(_ASKED.name), has_id))
    has_label = to_sql(condition, lambda _: _ASKED_NAME.c.label)
    return select(_ASKED_NAME.c.node_pk).where(_live(_ASKED_NAME, _ASKED_NAME.c.is_primary, has_label))


# Kinds without a name in a project: they are where their session is.
_NAMELESS: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})


def _live(table: FromClause, *conditions: ColumnElement[bool] | TextClause) -> ColumnElement[bool]:
    return and_(*conditions, table.c.deleted_at.is_(None))


def _is_in_json(column: Column) -> bool:
    return not isinstance(column.what, Fact) and (column.repeats or column.what not in OWN_COLUMNS)


def _extending(data_type: DataType) -> Iterator[str]:
    """A type and all that extend it."""
    return (known.xsi_type for known in data_types().types if data_type in known.lineage)
