"""From an entry of a published index to golf's preset and knobs.

An entry gives a program and its configuration: as arguments of the model (naive, autoresearch),
or as environment variables (parameter-golf pull requests). Everything that golf calls by the same
name is passed on under that name; the rest stands in ``programs``. Names that shape neither model
nor optimizer (seeds, data, evaluation, export) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golf.config.knob import Knob, Stage
from golf.config.load import load_matrix, load_preset
from golf.config.machine import Launch, Machine
from golf.config.names import find_knob
from golf.config.schema import KNOBS, is_relevant, spec_for
from golf.errors import GolfError
from golf.plan.expand import expand
from tests.fidelity.programs import NOT_SETTINGS, RENAMED, Given, is_on, program_of
from tests.fidelity.rates import rates_of

Shapes = Mapping[str, tuple[int, ...]]

MACHINE = Machine(cores=1, cpu_name="", cpu_bf16=False, gpus=0, gpu_name="")

# What the originals computed these numbers with: float32 tables, constant rates.
PLAIN = {
    "embed_dtype": "float32", "warmdown": 0.0, "muon_momentum_steps": 0, "min_lr": 0.0,
    "steps": 8, "uncounted_steps": 0, "loader": "sequential", "micro_tokens": None,
    "grad_clip": 0.0, "muon_wd_taper_start": None,
}  # fmt: skip
WIDTHS = {"smear_gate.weight": "smear_width", "attn_gate_proj.weight": "gate_width"}


def settings_of(entry: Given, shapes: Shapes) -> tuple[Given, list[str]]:
    """Return an entry's configuration under golf's names, and names that golf does not know.

    Args:
        entry: of the index.
        shapes: of the weights in its file, which tell what an entry may leave open.

    Raises:
        GolfError: a configuration that golf has no form for.
    """
    program, given = program_of(entry), _given(entry, shapes)
    found, unknown = dict(program.own), []
    for name, value in given.items():
        if NOT_SETTINGS.fullmatch(name):
            continue
        if name in RENAMED:
            found |= RENAMED[name](value, given)
        elif (knob := _knob(name)) is None:
            unknown.append(name)
        elif knob.name.startswith(("model.", "optim.")):
            found[knob.name] = _typed(knob, value)
    if program.preset == "pr1125" and found.get("ln_scale") == "norm_input":
        found["ln_scale"] = "residual"
    if given.get("num_layers") == 1 and not given.get("num_loops"):
        found["skips"] = "none"
    ends = ((WIDTHS[e], s[-1]) for n, s in shapes.items() for e in WIDTHS if n.endswith(e))
    found |= dict(ends)
    found |= rates_of(entry.get("optimizer", ""), program.preset == "autoresearch")
    found["seq_len"] = given["seq_len"]
    found["batch_tokens"] = given["seq_len"] * given.get("batch", 1)
    return found, unknown


def _given(entry: Given, shapes: Shapes) -> Given:
    """Return an entry's configuration, over what its program and its file say."""
    written = {k.lower(): _number(v) for k, v in {**entry, **entry.get("env", {})}.items()}
    written.setdefault("seq_len", written.get("train_seq_len"))
    if "windows" in written:
        written.pop("window_pattern", None)
    seen: Given = {}
    if "tok_emb.weight" in shapes:
        seen["tie_embeddings"] = "lm_head.weight" not in shapes
    if "skip_weights" in shapes and program_of(entry).preset != "naive":
        seen["skip_gates_enabled"] = "skip_gates" in shapes
        seen["smear_gate_enabled"] = "smear_lambda" in shapes
        seen["attn_out_gate_enabled"] = any("attn_gate_proj" in name for name in shapes)
    return {**program_of(entry).defaults, **seen, **written}


def _knob(name: str) -> Knob | None:
    try:
        return find_knob(name)
    except GolfError:
        return None


def _typed(knob: Knob, value: object) -> object:
    """Return what an environment variable means for a knob of this type."""
    if knob.kind is bool:
        return is_on(value)
    if knob.choices and isinstance(value, str):
        return value.lower()
    return int(value) if knob.kind is int and isinstance(value, float) else value


def _number(value: object) -> object:
    """Return the number that an environment variable holds, or the value itself."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if set(value) & set(".e") else int(value)
    except ValueError:
        return value


def _read(found: Given, preset: str) -> Given:
    """Return settings by full name, without those of parts that are off here."""
    layer, _ = load_preset(preset)
    values = {n: k.default for n, k in KNOBS.items()} | {n: s.value for n, s in layer.items()}
    named = {find_knob(name).name: value for name, value in found.items()}
    values |= named
    return {n: v for n, v in named.items() if is_relevant(KNOBS[n], values)}


def spec_of(entry: Given, shapes: Shapes) -> dict[str, Any]:
    """Return the spec of a training with an entry's model, through preset, matrix and rules.

    Raises:
        GolfError: golf refuses the configuration.
    """
    preset = program_of(entry).preset
    settings = _read({**PLAIN, **settings_of(entry, shapes)[0]}, preset)
    lines = [f"  {name}: {_yaml(value)}" for name, value in settings.items()]
    text = "\n".join([f"preset: {preset}", "baseline:", *lines, ""])
    rows = expand(load_matrix(Path("published.yaml"), text), Launch(), MACHINE)
    vocab_size = int(entry.get("vocab_size") or entry["env"]["VOCAB_SIZE"])
    return {**spec_for(rows.rows[0].values, Stage.TRAIN), "data.vocab_size": vocab_size}


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
