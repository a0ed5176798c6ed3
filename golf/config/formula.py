"""Arithmetic over knob names: ``= n_head / 2`` in a setting, a constraint in ``where:``.

The text goes through Python's own parser; its nodes are then walked one by one and turned into
closures. A node that is not on the lists below is refused, so that nothing but arithmetic and
comparison can be said. Nothing is ever handed to ``eval``.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from golf.config.knob import Values
from golf.config.names import find_knob, hint_for
from golf.errors import GolfError, Problem
from golf.frozen import Frozen

LONGEST = 200  # characters; keeps the walk shallow
LARGEST = 2**63 - 1
STEEPEST = 64  # largest exponent

SEEDS = ("train.seed", "train.data_seed")

POINT = re.compile(r"([0-9]+(?:\.[0-9]+)?) +(steps|tokens|seconds|s)$")

Run = Callable[[Values], Any]

NAMED_VALUES = {"null": None, "true": True, "false": False}
ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
ORDER: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
EQUALITY: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class FormulaError(ValueError):
    """A formula that cannot be read, or has no value in this row."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def at(self, where: str) -> Problem:
        return Problem(where, self.what, self.hint)


class Formula(Frozen):
    """A parsed text.

    Attributes:
        text: as written, without a leading ``=``.
        names: the knobs that it reads, dotted.
        relative: whether it was written as arithmetic, ``= n_head / 2``, and not as a point in
            training, ``2000 steps``.
    """

    text: str
    names: frozenset[str]
    run: Run = field(compare=False, repr=False)
    relative: bool = True

    def __call__(self, values: Values) -> Any:
        """Return the value for one row's resolved values.

        Raises:
            FormulaError: a name without a number, a division by zero, too large a result.
        """
        try:
            return self.run(values)
        except FormulaError as error:
            raise FormulaError(f"{error.what}, in `{self.text}`", error.hint) from None


def parse_formula(text: str) -> Formula:
    """Read arithmetic over knob names.

    Raises:
        FormulaError: not Python's syntax, an unknown name, or anything but arithmetic.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters, this has {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        hint = "arithmetic over factor names, such as n_head / 2"
        raise FormulaError(f"cannot read `{text}`", hint) from None
    names: set[str] = set()
    run = _Builder(text, names).build(tree.body)
    return Formula(text, frozenset(names), run)


def parse_point(text: str) -> Formula | None:
    """Read a point in training, or a stretch of it, as a share of the budget.

    ``2000 steps``, ``65536 tokens`` and ``210 seconds`` (or ``210 s``) are such points; the budget
    has to be of the same kind. None for any other text.
    """
    found = POINT.match(text)
    if not found:
        return None
    number, unit = found[1], "seconds" if found[2] == "s" else found[2]
    whole = {"tokens": "steps * batch_tokens"}.get(unit, unit)
    formula = parse_formula(f"{number} / ({whole})")

    def run(values: Values) -> Any:
        held, other = ("seconds", "steps") if unit == "seconds" else ("steps", "seconds")
        if values[f"train.{held}"] is None and values[f"train.{other}"] is not None:
            what = f"the budget is in {other}, so that nothing is known of its {unit}"
            raise FormulaError(what, f"write it in {other}, or as a share of the budget")
        return formula.run(values)

    return replace(formula, text=text, run=run, relative=False)


class _Builder:
    """Turns allowed syntax nodes into closures and notes the knobs they read."""

    def __init__(self, text: str, names: set[str]) -> None:
        self.text = text
        self.names = names

    def build(self, node: ast.expr) -> Run:
        for kinds, make in self.MAKERS:
            if isinstance(node, kinds):
                run: Run = make(self, node)
                return run
        shown = ast.get_source_segment(self.text, node) or self.text
        raise FormulaError(f"`{shown}` is neither arithmetic nor a comparison", "in " + self.text)

    def constant(self, node: ast.Constant) -> Run:
        value = node.value
        if not isinstance(value, int | float | str | None) or _too_large(value):
            raise FormulaError(f"`{self.text}` holds something that is neither number nor word")
        return lambda _: value

    def name(self, node: ast.Name | ast.Attribute) -> Run:
        written = ast.unparse(node)
        if written in NAMED_VALUES:
            return lambda _: NAMED_VALUES[written]
        try:
            knob = find_knob(written).name
        except GolfError as error:
            raise self._unknown(written, error.problems[0]) from None
        if knob in SEEDS:
            hint = "a row has one set of values for all its seeds"
            raise FormulaError(f"`{self.text}` reads {written}, which differs within a row", hint)
        self.names.add(knob)
        return lambda values: values[knob]

    def _unknown(self, written: str, problem: Problem) -> FormulaError:
        hint = hint_for(written) or f"words stand in quotes: '{written}'"
        return FormulaError(problem.what, hint if "unknown" in problem.what else problem.hint)

    def arithmetic(self, node: ast.BinOp) -> Run:
        if type(node.op) not in ARITHMETIC:
            raise FormulaError(f"`{self.text}` uses a sign that is not + - * / // % **")
        left, right, apply = (
            self.build(node.left),
            self.build(node.right),
            ARITHMETIC[type(node.op)],
        )
        sides = [(left, ast.unparse(node.left)), (right, ast.unparse(node.right))]
        power = isinstance(node.op, ast.Pow)

        def run(values: Values) -> Any:
            a, b = (_number(side(values), text) for side, text in sides)
            if power and abs(b) > STEEPEST:
                raise FormulaError(f"an exponent is at most {STEEPEST}, found {b}")
            return _checked(apply, a, b)

        return run

    def sign(self, node: ast.UnaryOp) -> Run:
        inner, text = self.build(node.operand), ast.unparse(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda values: not inner(values)
        if isinstance(node.op, ast.USub):
            return lambda values: -_number(inner(values), text)
        if isinstance(node.op, ast.UAdd):
            return lambda values: _number(inner(values), text)
        raise FormulaError(f"`{self.text}` uses a sign that is not + - * / // % **")

    def comparison(self, node: ast.Compare) -> Run:
        sides = [self.build(side) for side in (node.left, *node.comparators)]
        words = [ast.unparse(side) for side in (node.left, *node.comparators)]
        steps = []
        for i, op in enumerate(node.ops):
            if type(op) in ORDER:
                steps.append((ORDER[type(op)], i, True))
            elif type(op) in EQUALITY and self._has_members(op, node.comparators[i]):
                steps.append((EQUALITY[type(op)], i, False))
            else:
                raise FormulaError(f"`{self.text}` compares in a way that golf does not read")

        def run(values: Values) -> bool:
            found = [side(values) for side in sides]
            return all(
                compare(_number(found[i], words[i]), _number(found[i + 1], words[i + 1]))
                if ordered
                else compare(found[i], found[i + 1])
                for compare, i, ordered in steps
            )

        return run

    def choice(self, node: ast.IfExp) -> Run:
        asked, yes, no = (self.build(part) for part in (node.test, node.body, node.orelse))
        text = ast.unparse(node.test)

        def run(values: Values) -> Any:
            answer = asked(values)
            if not isinstance(answer, bool):
                raise FormulaError(f"{text} is {answer!r}, neither true nor false")
            return yes(values) if answer else no(values)

        return run

    def _has_members(self, op: ast.cmpop, right: ast.expr) -> bool:
        return not isinstance(op, ast.In | ast.NotIn) or isinstance(right, ast.Tuple | ast.List)

    def listed(self, node: ast.Tuple | ast.List) -> Run:
        items = [self.build(item) for item in node.elts]
        return lambda values: tuple(item(values) for item in items)

    def joined(self, node: ast.BoolOp) -> Run:
        parts, together = [self.build(v) for v in node.values], isinstance(node.op, ast.And)
        return lambda values: (all if together else any)(part(values) for part in parts)

    MAKERS: tuple[tuple[Any, Any], ...] = (
        (ast.Constant, constant),
        ((ast.Name, ast.Attribute), name),
        (ast.BinOp, arithmetic),
        (ast.UnaryOp, sign),
        (ast.Compare, comparison),
        (ast.BoolOp, joined),
        (ast.IfExp, choice),
        ((ast.Tuple, ast.List), listed),
    )


def _number(value: Any, text: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "null" if value is None else repr(value)
        raise FormulaError(f"{text} is {shown}, which is no number")
    return value


def _checked(apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Apply one operation to two numbers.

    Raises:
        FormulaError: no finite real result below 2^63.
    """
    try:
        result = apply(a, b)
    except ZeroDivisionError:
        raise FormulaError("a division by zero") from None
    except OverflowError:
        raise FormulaError("a number beyond 2^63") from None
    if isinstance(result, complex) or result != result:
        raise FormulaError("a result that is no number")
    if _too_large(result):
        raise FormulaError("a number beyond 2^63")
    return result


def _too_large(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) > LARGEST
