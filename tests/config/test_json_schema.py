"""Editors accept what golf accepts, and mark what golf refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jsonschema
import pytest
import yaml

from golf.config.json_schema import matrix_schema
from golf.config.load import SECTIONS
from golf.config.machine import Launch
from golf.config.rows import ROW_WORDS
from golf.config.schema import KNOBS
from golf.config.template import TEMPLATE

REPO = Path(__file__).parents[2]
CHECK = jsonschema.Draft202012Validator(matrix_schema())


def mistakes(text: str) -> list[str]:
    """Return what an editor would underline."""
    return [found.message for found in CHECK.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(matrix_schema())


@pytest.mark.parametrize("path", sorted((REPO / "matrices").glob("*.yaml")), ids=lambda p: p.name)
def test_shipped_matrices_are_valid(path: Path) -> None:
    assert mistakes(path.read_text()) == []


def test_the_template_is_valid() -> None:
    assert mistakes(TEMPLATE.format(name="m", path="m.yaml")) == []


def test_every_section_every_word_and_every_knob_is_known() -> None:
    schema = matrix_schema()
    assert set(SECTIONS) <= set(schema["properties"])
    assert set(ROW_WORDS) <= set(schema["$defs"]["row-body"]["properties"])
    CHECK.validate({"launch": dataclasses.asdict(Launch())})
    assert set(KNOBS) - {"train.seed"} <= set(schema["$defs"]["baseline"]["properties"])


@pytest.mark.parametrize(
    "text",
    [
        "baseline: {GATE_WIDTH: 12, num_kv_heads: = n_head / 2, softcap: null, evaluate: chunked}",
        "rows: {a: , b: {parent: a, depth: 3, expect: -0.1, tags: x, priority: HIGH}}",
        "grid: [{depth: [2, 3], bits: 4}]",
        "where: [depth > 2, {depth < 9: too deep}]",
        "exclude: {depth: 2, why: small}",
        "budget: {seconds: 0.5}",
        "seeds: [1, 2]",
        "seeds: 3",
        "seeds: {max: 5, until: {p: 0.01, margin: 0.002}}",
        "waves: [{rows: [a], baseline: {winner_of: b.yaml, margin: 0}}, {combine: winners}]",
        "baseline: {warmdown_frac: 40 steps, min_lr: = 1 / 8}",
        "waves: [{name: climb, rows: [a, b], adopt: if_better, by: pre, why: greedy}]",
    ],
)
def test_what_golf_accepts_is_valid(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "baseline: {gate_widht: 12}",
        "baseline: {depth: two}",
        "baseline: {depth: 0}",
        "baseline: {embed_bits: 99}",
        "baseline: {depth: null}",
        "rows: {a: {priority: hihg}}",
        "rows: {a: {parnet: b}}",
        "presett: quickstart",
        "seeds: [one]",
        "launch: {device: gpu}",
        "seeds: {max: 5, until: {p: 0}}",
        "baseline: {warmdown_frac: 40 stepz}",
        "baseline: {depth: 40 steps}",
        "launch: {audit: 1}",
    ],
)
def test_what_golf_refuses_is_marked(text: str) -> None:
    assert not CHECK.is_valid(yaml.safe_load(text))
