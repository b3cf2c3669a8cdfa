"""A subset of SQL, read into a plan.

``SELECT keys and aggregates FROM table [WHERE a AND b ...] [GROUP BY keys]`` with COUNT, SUM, AVG, VAR, STDDEV (sample
and population) and ``BAND(column)``, the histogram of a number by its public cut points. This module reads; whether it
is allowed is `governance.policy`'s to say.
"""

from __future__ import annotations

import contextlib
import decimal
from collections.abc import Iterator
from typing import Literal

import sqlglot
from sqlglot import exp

from federation.errors import RequestError
from federation.governance.roster import Roster
from federation.plan import Column, Condition, GroupKey, LocalQuery, Measure, Output, Protection, SumPlan, release_gate
from federation.settings import Catalogue, ColumnCard, TableCard

MAX_SQL = 10_000

# Constants are read exactly or not at all; what a column can hold needs far fewer digits.
EXACT = decimal.Context(prec=40, Emax=40, traps=[decimal.InvalidOperation, decimal.Inexact, decimal.Overflow])

# Names that stand for the holder of a row. Grouping by it would publish each department's own total.
HOLDER_NAMES = frozenset({"department", "node", "holder", "owner", "party", "部门", "节点"})

Function = Literal["count", "sum", "avg", "var_samp", "var_pop", "stddev_samp", "stddev_pop"]

AGGREGATES: dict[str, Function] = {
    "COUNT": "count",
    "SUM": "sum",
    "AVG": "avg",
    "MEAN": "avg",
    "VAR": "var_samp",
    "VARIANCE": "var_samp",
    "VAR_SAMP": "var_samp",
    "VARIANCE_SAMP": "var_samp",
    "VAR_POP": "var_pop",
    "VARIANCE_POP": "var_pop",
    "STDDEV": "stddev_samp",
    "STDDEV_SAMP": "stddev_samp",
    "STDDEV_POP": "stddev_pop",
}

NEGATED: dict[str, Literal["!=", "=", "not in", "is not null", "is null", "<", "<=", ">", ">="]] = {
    "=": "!=",
    "!=": "=",
    "in": "not in",
    "is null": "is not null",
    "is not null": "is null",
    ">=": "<",
    "<": ">=",
    ">": "<=",
    "<=": ">",
}


def plan_query(
    sql: str,
    *,
    purpose: str,
    requester: str,
    catalogue: Catalogue,
    roster: Roster,
    nonce: str,
    protection: Protection = "paillier",
) -> SumPlan:
    """Read a query into a plan for exactly this catalogue and roster.

    Args:
        nonce: 32 random hex digits.

    Raises:
        RequestError: not in the subset, or it names what the catalogue does not have.
    """
    select = _parse(sql)
    table, department, name = _table(select, catalogue)
    reader = _Reader(table, name)
    where = tuple(reader.conditions(select.args.get("where")))
    keys = reader.keys(select.args.get("group"), where)
    outputs, measures = reader.outputs(select.expressions, keys)
    contributors = (department,) if department else table.departments
    return SumPlan(
        nonce=nonce,
        requester=requester,
        purpose=purpose,
        sql=sql,
        contributors=contributors,
        gate=release_gate(contributors, requester),
        holders=roster.holders,
        threshold=roster.threshold,
        minimum_group=catalogue.rules(requester).minimum_group,
        minimum_contributors=catalogue.minimum_contributors,
        catalogue=catalogue.hash,
        roster=roster.hash,
        epoch=roster.epoch,
        protection=protection,
        local=LocalQuery(
            table=table.name,
            columns=tuple(reader.columns.values()),
            where=where,
            group_by=tuple(keys.values()),
            measures=measures,
        ),
        outputs=outputs,
    )


def read_conditions(where: str, table: TableCard) -> tuple[Condition, ...]:
    """Read what would stand behind WHERE in a query of this table; nothing gives no conditions.

    Raises:
        RequestError: not in the subset, or it names what the table does not have.
    """
    if len(where) > MAX_SQL:
        raise RequestError("request.too_long", maximum=MAX_SQL)
    if not where.strip():
        return ()
    try:
        condition = sqlglot.condition(where, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError) as exc:
        raise RequestError("request.unsupported", what=where[:80], instead="AND of comparisons, IN (...)") from exc
    return tuple(_Reader(table, table.name).conditions(exp.Where(this=condition)))


def _parse(sql: str) -> exp.Select:
    if len(sql) > MAX_SQL:
        raise RequestError("request.too_long", maximum=MAX_SQL)
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError) as exc:
        raise RequestError("request.syntax") from exc
    select = statements[0] if len(statements) == 1 else None
    if not isinstance(select, exp.Select):
        raise RequestError("request.not_select")
    known = {"expressions", "from", "from_", "where", "group"}
    for part, value in select.args.items():
        if value and part not in known:
            instead = {"order": "rows come in the order of the public values", "having": "WHERE"}.get(part, "-")
            raise RequestError("request.unsupported", what=part.strip("_").upper(), instead=instead)
    return select


def _table(select: exp.Select, catalogue: Catalogue) -> tuple[TableCard, str, str]:
    """Find the table; returns it, the department before its name or "", and the name that columns may carry."""
    source = select.args.get("from_") or select.args.get("from")
    node = source.this if source else None
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise RequestError("request.unsupported", what="FROM", instead="FROM table")
    _only(node, "this", "db", "alias", instead="FROM table")
    if alias := node.args.get("alias"):
        _only(alias, "this", instead="FROM table")
    table, department = catalogue.table(node.name), node.db
    if table is None or (department and department not in table.departments):
        known = ", ".join(t.name for t in catalogue.tables) or "-"
        raise RequestError(
            "request.table_unknown", table=f"{department}.{node.name}" if department else node.name, known=known
        )
    return table, department, node.alias or node.name


class _Reader:
    """Reads the parts of one SELECT over one table, and remembers which columns it met."""

    def __init__(self, table: TableCard, name: str) -> None:
        self._table, self._name = table, name
        self.columns: dict[str, Column] = {}

    # -- columns and constants --------------------------------------------------------------------------------------

    def _card(self, node: object) -> ColumnCard:
        if not isinstance(node, exp.Column):
            raise RequestError("request.unsupported", what=_shown(node), instead="a column")
        _only(node, "this", "table", instead="a column")
        if node.table not in ("", self._name):
            raise RequestError("request.table_unknown", table=node.table, known=self._name)
        card = self._table.column(node.name)
        if card is None:
            if node.name.lower() in HOLDER_NAMES:
                raise RequestError("request.by_holder")
            known = ", ".join(c.name for c in self._table.columns if "never" not in c.uses)
            raise RequestError("request.column_unknown", column=node.name, table=self._table.name, known=known)
        self.columns.setdefault(card.name, card.as_column)
        return card

    def _constant(self, node: object, card: ColumnCard) -> int | str:
        if isinstance(node, exp.Boolean) and card.type == "boolean":
            return int(bool(node.this))
        if type(node) is exp.Cast and card.type == "date" and node.is_type("date"):  # DATE '2024-01-01'
            node = node.this
        negative = isinstance(node, exp.Neg)
        literal = node.this if isinstance(node, exp.Neg) else node
        if not isinstance(literal, exp.Literal):
            raise RequestError("request.unsupported", what=_shown(node), instead="a constant")
        # No conversions between numbers and text: every database has its own.
        if literal.is_string and not card.is_number and not negative:
            return str(literal.this)
        if card.is_number and not literal.is_string:
            with contextlib.suppress(decimal.DecimalException):
                exact = EXACT.scaleb(EXACT.create_decimal(literal.this), card.as_column.scale)
                if exact == exact.to_integral_value():
                    return int(-exact if negative else exact)
        raise RequestError("request.constant", column=card.name, type=card.type)

    # -- WHERE ------------------------------------------------------------------------------------------------------

    def conditions(self, where: exp.Expr | None) -> Iterator[Condition]:
        """Read a conjunction; ranges of numbers become >= and <, in base units."""
        if where is not None:
            for node in where.this.flatten() if isinstance(where.this, exp.And) else (where.this,):
                yield from self._condition(node.unnest(), negated=False)

    def _condition(self, node: exp.Expr, *, negated: bool) -> Iterator[Condition]:
        if isinstance(node, exp.And) and not negated:
            for part in node.flatten():
                yield from self._condition(part.unnest(), negated=False)
        elif isinstance(node, exp.Not):
            yield from self._condition(node.this.unnest(), negated=not negated)
        else:
            found = list(self._plain(node))
            if negated and len(found) != 1:
                raise RequestError("request.unsupported", what="NOT ... AND", instead="IN (...), >=, <")
            for condition in found:
                operator = NEGATED[condition.operator] if negated else condition.operator
                yield Condition(column=condition.column, operator=operator, values=condition.values)

    def _plain(self, node: exp.Expr) -> Iterator[Condition]:
        if isinstance(node, exp.Column):  # WHERE unemployed
            card = self._card(node)
            if card.type != "boolean":
                raise RequestError("request.unsupported", what=_shown(node), instead=f"{card.name} >= ...")
            yield Condition(column=card.name, operator="=", values=(1,))
        elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            yield Condition(column=self._card(node.this).name, operator="is null")
        elif isinstance(node, exp.In) and node.expressions:
            _only(node, "this", "expressions", instead="IN (...)")
            card = self._card(node.this)
            values = tuple(dict.fromkeys(self._constant(value, card) for value in node.expressions))
            yield Condition(column=card.name, operator="in", values=values)
        elif isinstance(node, exp.Between):
            _only(node, "this", "low", "high", instead="BETWEEN low AND high")
            card = self._card(node.this)
            yield from self._compare(card, ">=", self._constant(node.args["low"], card))
            yield from self._compare(card, "<=", self._constant(node.args["high"], card))
        elif type(node) in _COMPARISONS:
            left, right, symbol = node.this.unnest(), node.expression.unnest(), _COMPARISONS[type(node)]
            if not isinstance(left, exp.Column):
                left, right, symbol = right, left, _MIRRORED.get(symbol, symbol)
            card = self._card(left)
            yield from self._compare(card, symbol, self._constant(right, card))
        else:
            raise RequestError("request.unsupported", what=_shown(node), instead="AND of comparisons, IN (...)")

    def _compare(self, card: ColumnCard, symbol: str, value: int | str) -> Iterator[Condition]:
        ranged = card.is_number and card.type != "boolean" and isinstance(value, int)
        # The smallest step of a number is one base unit, so > v is >= v + 1.
        if ranged and symbol in (">", "<="):
            symbol, value = (">=" if symbol == ">" else "<"), int(value) + 1
        if ranged and symbol == "=":
            yield Condition(column=card.name, operator=">=", values=(value,))
            symbol, value = "<", int(value) + 1
        yield Condition(column=card.name, operator=symbol, values=(value,))  # type: ignore[arg-type]  # from the table

    # -- GROUP BY and SELECT ----------------------------------------------------------------------------------------

    def keys(self, group: exp.Expr | None, where: tuple[Condition, ...]) -> dict[str, GroupKey]:
        """Read GROUP BY; returns the keys by the text that SELECT names them with."""
        keys: dict[str, GroupKey] = {}
        if group is None:
            return keys
        if any(value for part, value in group.args.items() if part != "expressions"):
            raise RequestError("request.unsupported", what="GROUP BY ALL, ROLLUP, CUBE", instead="GROUP BY column")
        for node in group.expressions:
            banded = _is_band(node)
            card = self._card(node.expressions[0] if banded else node)
            if banded:
                if not card.cuts or not card.is_number:
                    raise RequestError(
                        "request.use", column=card.name, use="group_by", allowed=", ".join(card.uses), nearest="-"
                    )
                cuts = tuple(int(cut) for cut in card.cuts)
                key = GroupKey(column=card.name, cuts=cuts, unit_scale=card.as_column.scale)
            else:
                key = GroupKey(column=card.name, values=_narrowed(card, where))
            if any(known.column == card.name for shown, known in keys.items() if shown != _shown(node)):
                raise RequestError("request.unsupported", what=f"{card.name} twice in GROUP BY", instead=card.name)
            keys[_shown(node)] = key
        return keys

    def outputs(
        self, nodes: list[exp.Expr], keys: dict[str, GroupKey]
    ) -> tuple[tuple[Output, ...], tuple[Measure, ...]]:
        """Read the SELECT list and the measures it needs; rows first, and a count with every sum."""
        outputs, measures = [], {Measure(kind="rows"): None}
        for item in nodes:
            node = item.this if isinstance(item, exp.Alias) else item
            name, shown = item.alias if isinstance(item, exp.Alias) else _shown(node), _shown(node)
            if shown in keys:
                index = list(keys).index(shown)
                outputs.append(Output(name=name, function="group", argument=str(index)))
                continue
            function = _aggregate(node)
            if function is None:
                if isinstance(node, exp.Star | exp.Column) or _is_band(node):
                    self._card(node) if isinstance(node, exp.Column) else None
                    raise RequestError("request.rows", what=shown)
                raise RequestError("request.unsupported", what=shown, instead="COUNT, SUM, AVG, VAR, STDDEV, BAND")
            argument = _argument(node)
            if isinstance(argument, exp.Star) and function == "count":
                _only(argument, instead="COUNT(*)")
                outputs.append(Output(name=name, function="count"))
                continue
            card = self._card(argument)
            for measure in _needed(function, card):
                measures.setdefault(measure)
            outputs.append(Output(name=name, function=function, argument=card.name, scale=card.as_column.scale))
        if not any(output.function != "group" for output in outputs):
            raise RequestError("request.rows", what=", ".join(output.name for output in outputs) or "-")
        return tuple(outputs), tuple(measures)


_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _shown(node: object) -> str:
    return node.sql(dialect="duckdb")[:80] if isinstance(node, exp.Expr) else str(node)


def _only(node: exp.Expr, *parts: str, instead: str) -> None:
    """Refuse a node that says more than we read of it, lest the rest be dropped without a word."""
    if any(value for part, value in node.args.items() if part not in parts):
        raise RequestError("request.unsupported", what=_shown(node), instead=instead)


def _is_band(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == "BAND" and len(node.expressions) == 1


def _aggregate(node: exp.Expr) -> Function | None:
    if isinstance(node, exp.Anonymous):
        return AGGREGATES.get(node.name.upper()) if len(node.expressions) == 1 else None
    if isinstance(node, exp.AggFunc):
        return AGGREGATES.get(node.sql_name()) if not node.args.get("expressions") else None
    return None


def _argument(node: exp.Expr) -> exp.Expr | None:
    argument = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    return argument if isinstance(argument, exp.Expr) else None


def _needed(function: Function, card: ColumnCard) -> Iterator[Measure]:
    yield Measure(kind="count", column=card.name)
    if function == "count":
        return
    if not card.is_number or card.low is None or card.high is None:
        raise RequestError(
            "request.use", column=card.name, use="aggregate", allowed=", ".join(card.uses), nearest="COUNT"
        )
    yield Measure(kind="sum", column=card.name, low=card.low, high=card.high)
    if function.startswith(("var", "stddev")):
        yield Measure(kind="sum_squares", column=card.name, low=card.low, high=card.high)


def _narrowed(card: ColumnCard, where: tuple[Condition, ...]) -> tuple[str, ...]:
    """The grouping column's domain, without what WHERE on the same column leaves no row of."""
    values = card.values
    for condition in where:
        if condition.column == card.name and condition.operator in ("=", "in", "!=", "not in"):
            named = {card.values[v] if isinstance(v, int) and v < len(card.values) else v for v in condition.values}
            keep = condition.operator in ("=", "in")
            values = tuple(value for value in values if (value in named) == keep)
    return values
