"""The section ``seeds``: a list, a number, or a rule by which seeds are added."""

from __future__ import annotations

from golf.config.matrix import FIRST_SEED, SeedRule
from golf.config.nodes import Node, Scalar, Table
from golf.config.reader import Reader

MOST_SEEDS = 1000
RULE_EXAMPLE = "for example {min: 2, max: 5, until: {p: 0.01, margin: 0.002}}"
LOWEST_LEVEL, HIGHEST_LEVEL = 1e-6, 0.05  # no number of scores rules chance out


def first_seeds(number: int) -> tuple[int, ...]:
    """Return the seeds that a mere number stands for."""
    return tuple(range(FIRST_SEED, FIRST_SEED + number))


def read_seeds(reader: Reader, node: Node) -> tuple[int, ...] | SeedRule | None:
    """Read the section; problems go to the reader."""
    if isinstance(node, Table):
        return _rule(reader, node)
    if isinstance(node, Scalar):
        number = reader.number(node, "the number of seeds", 1, MOST_SEEDS)
        return first_seeds(int(number)) if number else None
    return reader.whole_numbers(node, "seeds")


def _rule(reader: Reader, node: Table) -> SeedRule | None:
    before = len(reader.problems)
    words = {str(k.value): v for k, v in reader.entries(node, ("min", "max", "until"), "word")}
    missing = [word for word in ("max", "until") if word not in words]
    if missing:
        reader.add(node.where, f"a rule for seeds says {missing[0]} too", RULE_EXAMPLE)
        return None
    least = reader.number(words["min"], "min", 2, MOST_SEEDS) if "min" in words else 2
    most = reader.number(words["max"], "max", 2, MOST_SEEDS)
    until = {str(k.value): v for k, v in reader.entries(words["until"], ("p", "margin"), "word")}
    level, margin = until.get("p"), until.get("margin")
    p = reader.share(level, "p", HIGHEST_LEVEL, LOWEST_LEVEL) if level else HIGHEST_LEVEL
    beyond = reader.share(margin, "margin", 10.0) if margin else 0.0
    if least and most and most < least:
        reader.add(words["max"].where, f"max {most:g} is less than min {least:g}")
    if least is None or most is None or p is None or len(reader.problems) > before:
        return None
    return SeedRule(least, most, p, beyond or 0.0)
