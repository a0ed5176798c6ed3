"""A row's specs and the workshop's sources to one self-extracting script.

The script is a Python file in Latin-1: compressed bytes stand in it as they are, a fifth shorter
than as base85.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import brotli

from golf.config.knob import UNSET
from golf.config.schema import KNOBS
from golf.freeze.shake import Module, needed, used_imports

ENTRY = "golf.freeze.parts.main"
SETTINGS = "golf.freeze.parts.settings"
PARTS = "golf.freeze.parts."
GROUPS = ("schema", "schema.model", "schema.train", "schema.quant", "schema.post", "schema.scoring")
STAND_INS = {
    "safetensors": f"{PARTS}tensors",
    "safetensors.torch": f"{PARTS}tensors",
    "golf.stages.environment": f"{PARTS}environment",
    "golf.stages.code_bytes": f"{PARTS}code_bytes",
    "golf.quant.shares": f"{PARTS}shares",
    **{f"golf.config.{group}": f"{PARTS}schema" for group in GROUPS},
}
LOADER = """\
import sys,types
from importlib.abc import Loader as A
from importlib.util import spec_from_loader as B
class C(A):
 def find_spec(s,n,p=None,t=None):
  k=s.k(n)
  return B(n,s,is_package=True) if k in M or any(m.startswith(n+'.') for m in M) else None
 def k(s,n):return R.get(n,n)
 def create_module(s,p):return None
 def exec_module(s,m):exec(compile(M.get(s.k(m.__name__),''),m.__name__,'exec'),m.__dict__)
sys.meta_path.insert(0,C())
"""
# The challenge counts the script's own bytes: it carries its source compressed, and runs that.
# What scores the row stands apart, in a block as long whatever it holds: nothing of it is known
# when a quantization counts the script's bytes.
WRAPPER = """# -*- coding: latin-1 -*-
import brotli as b
s="%s"%s
exec(b.decompress("%s".encode("latin-1")))
"""
BLOCK = 512  # bytes for the scorings; those of the shipped matrices take up to 340
BROTLI = "1.2"  # the oldest that bounds what it unpacks
ESCAPES = {c: f"\\x{ord(c):02x}" for c in "\0\r\n\x1a\f"} | {'"': '\\"', "\\": "\\\\"}
Scoring = tuple[str, str, Mapping[str, Any]]
DATASET = "data"  # key of the dataset's folder in a script's own runs/


def freeze(
    training: Mapping[str, Any],
    quantizing: Mapping[str, Any],
    scorings: Sequence[Scoring],
) -> bytes:
    """Return the script that trains, quantizes and scores one row for one seed.

    It needs torch, numpy, sentencepiece and brotli, and zstandard where the compressor is zstd. Its
    size depends on the training and the quantization alone, unless ``beyond_block`` says more.

    Args:
        training: spec of the training.
        quantizing: spec of the quantization.
        scorings: (stage, name, spec) of what scores the artifact: ``evaluate`` or ``ttt``.
    """
    nodes = [
        _node("train", "train", training, None),
        _node("quantize", "quantize", quantizing, ["train", "train"]),
    ]
    left_out = {
        k.name: k.default if k.off is UNSET else k.off
        for k in KNOBS.values()
        if k.name not in {*training, *quantizing}
    }
    recipe = {"seq_len": training["train.seq_len"], "vocab_size": training["data.vocab_size"]}
    baked = {"LEFT_OUT": left_out, "NODES": nodes, "RECIPE": recipe}
    settings = "".join(_assigned(n, v) for n, v in baked.items())
    unpacked = "b.decompress(s.encode('latin-1')).decode()"
    program = f"{_modules()}M[{SETTINGS!r}]={settings!r}+{unpacked}\n{LOADER}"
    program += f"import {ENTRY} as m\nsys.exit(m.main())\n"
    block = _scoring_block(scorings)
    return (WRAPPER % (block, " " * (BLOCK - len(block)), _packed(program))).encode("latin-1")


def beyond_block(scorings: Sequence[Scoring]) -> int:
    """Return the bytes that scorings take beyond those that every script leaves for them."""
    return max(0, len(_scoring_block(scorings)) - BLOCK)


def _scoring_block(scorings: Sequence[Scoring]) -> str:
    nodes = [_node(stage, name, spec, ["quantize", "quantize"]) for stage, name, spec in scorings]
    return _packed(_assigned("SCORINGS", nodes))


def _assigned(name: str, value: object) -> str:
    """Return a line of Python that gives a name to plain data."""
    return f"{name}={json.loads(json.dumps(value))!r}\n"


def _packed(text: str) -> str:
    """Return compressed text as the inside of a string of a file in Latin-1."""
    packed = brotli.compress(text.encode(), quality=11, lgwin=24).decode("latin-1")
    return "".join(ESCAPES.get(c, c) for c in packed)


def _node(
    stage: str, name: str, spec: Mapping[str, Any], weights: list[str] | None
) -> dict[str, Any]:
    """Return a node as ``spec.json`` has it; names stand in for keys."""
    return {
        "stage": stage, "key": name, "recipe": 0, "spec": dict(sorted(spec.items())),
        "dataset": DATASET, "weights": weights, "runtime": {},
    }  # fmt: skip


@cache
def _modules() -> str:
    """Return the assignments of M, sources by module, and R, what stands in for what."""
    found = needed(ENTRY, STAND_INS)
    sources = {name: _source(*kept) for name, kept in sorted(found.items()) if name != SETTINGS}
    stands = {name: part for name, part in STAND_INS.items() if part in found}
    return f"M={sources!r}\nR={stands!r}\n"


def _source(module: Module, kept: set[int]) -> str:
    """Return a module's kept statements as text, indented by one space."""
    lines = []
    for local, (origin, name) in used_imports(module, kept):
        as_local = "" if local == (name or origin) else f" as {local}"
        head = f"from {origin} import {name}" if name else f"import {origin}"
        lines.append(head + as_local)
    lines += [ast.unparse(module.statements[number]) for number in sorted(kept)]
    text = "\n".join(lines)
    return re.sub(r"^(?: {4})+", lambda m: " " * (len(m[0]) // 4), text, flags=re.M)
