"""From an entry of a published index to golf's preset and knobs.

An entry gives a program and its configuration: as arguments of the model (naive,
autoresearch), or as environment variables (parameter-golf PR 1855). Everything that golf calls
by the same name is passed on under that name; the rest stands in the tables below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golf.config.knob import Stage
from golf.config.load import load_matrix, load_preset
from golf.config.machine import Launch, Machine
from golf.config.names import find_knob
from golf.config.schema import KNOBS, is_relevant, spec_for
from golf.plan.expand import expand

PRESETS = {"naive": "naive", "autoresearch": "autoresearch", "pr1493": "pr1493", "pr": "pr1970"}
MACHINE = Machine(cores=1, cpu_name="", cpu_bf16=False, gpus=0, gpu_name="")

# What the originals computed these numbers with: float32 tables, constant rates.
PLAIN = {
    "embed_dtype": "float32", "warmdown": 0.0, "muon_momentum_steps": 0, "min_lr": 0.0,
    "steps": 8, "loader": "sequential", "micro_tokens": None, "grad_clip": 0.0,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "naive": {},
    "autoresearch": {  # the defaults of its optimizer, not the script's settings
        "embed_lr": 0.2, "matrix_lr": 0.02, "muon_wd": 0.1, "muon_wd_taper_start": None,
    },
    "pr": {"gate_src": "normed", "smear_bos_mask": True, "attn_gate": "none", "smear": "none"},
    "pr1493": {},
}  # fmt: skip

# Published settings that have another shape here: name -> settings of golf.
RENAMED = {
    "seq_len": lambda v: {"seq_len": v},
    "n_embd": lambda v: {"model_dim": v},
    "softcap": lambda v: {"logit_softcap": v},
    "xsa_last_n": lambda v: {"xsa": f"last:{v}"},
    "ln_scale": lambda v: {"ln_scale": "norm_input" if _on(v) else "none"},
    "skip_gates_enabled": lambda v: {"skips": "gated" if _on(v) else "plain"},
    "smear_gate_enabled": lambda v: {"smear": "v2" if _on(v) else "none"},
    "attn_out_gate_enabled": lambda v: {"attn_gate": "out_gate"} if _on(v) else {},
    "sparse_attn_gate_enabled": lambda v: {"attn_gate": "sparse"} if _on(v) else {},
    "gated_attn_enabled": lambda v: {"attn_gate": "gated"} if _on(v) else {},
    "sparse_attn_gate_scale": lambda v: {"gate_scale": v},
    "attn_out_gate_src": lambda v: {"gate_src": {"proj": "normed"}.get(str(v), v)},
    "gate_window": lambda v: {"gate_width": v, "smear_width": v},
    "batch": lambda v: {},
}
NOT_SETTINGS = {
    "program", "loss", "losses", "optimizer", "env", "windows", "value_embeds", "rotary",
    "encoder", "decoder", "looping_active", "banks", "fused_ce_enabled", "vocab_size",
}  # fmt: skip


def _on(value: object) -> bool:
    return value not in (False, 0, "0", "", None)


def family(entry: dict[str, Any]) -> str:
    """Return which program an entry is of."""
    program = entry["program"].lower()
    if "autoresearch" in program:
        return "autoresearch"
    if "1493" in program:
        return "pr1493"
    return "naive" if "naive" in program else "pr"


def settings_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry's configuration under golf's names.

    Raises:
        GolfError: a setting that golf has no name for.
    """
    found: dict[str, Any] = {}
    given = {k.lower(): v for k, v in {**entry, **entry.get("env", {})}.items()}
    for name, value in given.items():
        if name in NOT_SETTINGS:
            continue
        value = _number(value)
        found |= RENAMED[name](value) if name in RENAMED else {find_knob(name).leaf: value}
    found["batch_tokens"] = found["seq_len"] * entry["batch"]
    return found


def _number(value: object) -> object:
    """Return the number that an environment variable holds, or the value itself."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def _read(found: dict[str, Any], preset: str) -> dict[str, Any]:
    """Leave out what is read only where a part is on that is off here."""
    layer, _ = load_preset(preset)
    values = {n: k.default for n, k in KNOBS.items()} | {n: s.value for n, s in layer.items()}
    values |= {find_knob(name).name: value for name, value in found.items()}
    return {n: v for n, v in found.items() if is_relevant(find_knob(n), values)}


def spec_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of a training with an entry's model, through preset, matrix and rules.

    Raises:
        GolfError: golf refuses the configuration.
    """
    kind = family(entry)
    preset = PRESETS[kind]
    settings = _read({**PLAIN, **OWN[kind], **settings_of(entry)}, preset)
    lines = [f"  {name}: {_yaml(value)}" for name, value in settings.items()]
    text = "\n".join([f"preset: {preset}", "baseline:", *lines, ""])
    rows = expand(load_matrix(Path("published.yaml"), text), Launch(), MACHINE)
    vocab_size = int(entry.get("vocab_size") or entry["env"]["VOCAB_SIZE"])
    return {**spec_for(rows.rows[0].values, Stage.TRAIN), "data.vocab_size": vocab_size}


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
