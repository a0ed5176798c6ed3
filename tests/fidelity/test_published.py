"""What entries of a published index mean in golf, whatever they leave out or name besides."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from golf.errors import GolfError
from tests.fidelity.__main__ import HERE
from tests.fidelity.functions import functions_of, judged
from tests.fidelity.published import settings_of, spec_of

INDEX = json.loads((HERE / "index.json").read_text())
GATED = "pr1855-out-gate"


def spec(base: str, program: str = "", env: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Return the spec of an entry with changes; None takes an environment variable away."""
    entry = {**INDEX[base], **changes}
    entry["program"] = program or entry["program"]
    if env is not None:
        whole = {**entry["env"], **env}
        entry["env"] = {n: v for n, v in whole.items() if v is not None}
    return spec_of(entry, {})


@pytest.mark.parametrize("start", [None, "8", "6", "0", "-1"])
def test_two_lanes_that_start_at_no_block_are_off(start: str | None) -> None:
    assert "model.parallel" not in spec(GATED, env={"PARALLEL_START_LAYER": start})


@pytest.mark.parametrize(
    ("start", "found"), [("-1", None), ("0", 0), ("4", 4), (None, None), ("6", None)]
)
def test_one_stream_may_be_parallel_from_the_first_block(
    start: str | None, found: int | None
) -> None:
    env = {"PARALLEL_START_LAYER": None, "PARALLEL_RESIDUAL_START": start}
    made = spec(GATED, "PR 1493 train_gpt.py", env=env)
    assert made.get("model.parallel_start") == found
    assert made.get("model.parallel") == (None if found is None else "one_stream")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TIE_EMBEDDINGS": "0"}, {"model.tied": False, "optim.embed_lr": 0.6}),
        ({"TIE_EMBEDDINGS": "1", "EMBED_LR": "0.6"}, {"model.tied": True, "optim.embed_lr": 0.03}),
        ({"ROPE_YARN": "0", "ROPE_TRAIN_SEQ_LEN": "2048"}, {"model.rope_train_len": None}),
        ({"ROPE_YARN": "1", "ROPE_TRAIN_SEQ_LEN": "12"}, {"model.rope_train_len": 12}),
        ({"EMBEDDING_DIM": "32", "GATED_ATTN_INIT_STD": "0.005"}, {"model.model_dim": 32}),
        ({"SEED": "42", "WORLD_SIZE": "1", "EVAL_SEQ_LEN": "48"}, {"train.seq_len": 24}),
        ({"ATTN_OUT_GATE_SRC": "x_orig"}, {"model.gate_src": "residual"}),
        ({"XSA_LAST_N": "0"}, {"model.xsa": None}),
        ({"XSA_LAST_N": None, "NUM_LAYERS": "12"}, {"model.xsa": "1,2,3,4,5,6,7,8,9,10,11"}),
        ({"NUM_LOOPS": "0"}, {"model.loop_count": None, "model.parallel_start": 4}),
        ({"SKIP_GATES_ENABLED": "0", "SMEAR_GATE_ENABLED": "0"}, {"model.skips": "plain"}),
        ({"ADAM_WD": "0.1", "MUON_WD": "0.2"}, {"optim.scalar_wd": 0.1, "optim.muon_wd": 0.2}),
    ],
)
def test_environment_variables_mean_what_they_mean_in_the_script(
    env: dict[str, str], expected: dict[str, Any]
) -> None:
    made = spec(GATED, env=env)
    assert {n: made.get(n) for n in expected} == expected


def test_a_width_of_its_own_for_the_embedding_is_refused() -> None:
    with pytest.raises(GolfError, match="no factorised embedding"):
        spec(GATED, env={"EMBEDDING_DIM": "16"})


def test_only_later_programs_mask_the_first_token_and_read_what_is_normalised() -> None:
    facts = {}
    for number in (1667, 1855, 1969):
        made = spec(GATED, f"PR {number} train_gpt.py", attn_out_gate_src=None)
        facts[number] = (made["model.smear_bos_mask"], made["model.gate_src"])
    assert facts == {
        1667: (False, "normed"), 1855: (True, "normed"), 1969: (False, "residual"),
    }  # fmt: skip


def test_a_file_tells_what_its_entry_leaves_open() -> None:
    entry = {**INDEX[GATED], "program": "PR 1969 train_gpt.py"}
    entry["env"] = {n: v for n, v in entry["env"].items() if "GATE" not in n}
    bare = {"tok_emb.weight": (48, 32), "skip_weights": (5, 32)}
    wide = {**bare, "smear_lambda": (1,), "blocks.0.attn.attn_gate_proj.weight": (4, 20)}
    assert "model.attn_gate" not in spec_of(entry, bare)
    assert spec_of(entry, wide)["model.gate_width"] == 20


RATES = {
    "matrix": "Muon polar, row norm, lr 0.02, momentum 0.9, weight decay 0.1",
    "embed": "AdamW 0.3 (0.8,0.99) eps 1e-10 wd 0.08", "head": "Adam 0.01", "scalar": "lr 0.03",
}  # fmt: skip


def test_rates_are_read_from_what_is_said_of_the_optimizer() -> None:
    made = spec("naive", optimizer=RATES, tie_embeddings=0)
    known = {
        "matrix_lr": 0.02, "embed_lr": 0.3, "head_lr": 0.01, "scalar_lr": 0.03, "muon_wd": 0.1,
        "embed_wd": 0.08, "adam_beta1": 0.8, "adam_beta2": 0.99, "adam_eps": 1e-10,
        "muon_momentum": 0.9, "muon_ns": "polar", "muon_row_norm": True,
    }  # fmt: skip
    assert {n: made[f"optim.{n}"] for n in known} == known
    text = "unembedding 0.002, embedding 0.3, matrix 0.04, scalar 0.2, weight decay 0.0"
    made = spec("autoresearch", optimizer={"text": text})
    names = ("head_lr", "embed_lr", "matrix_lr", "scalar_lr", "resid_lr", "muon_wd")
    assert [made.get(f"optim.{n}") for n in names] == [0.002, 0.3, 0.04, 0.2, 0.002, None]


def test_windows_and_value_embeddings_are_those_that_are_listed() -> None:
    made = spec("autoresearch", windows=[[8, 0], [24, 0]] * 2, value_embeds=[])
    assert made["model.window_pattern"] == "SLSL"
    assert int(24 * made["model.short_window"]) == 8
    assert "model.value_embed" not in made


def test_names_that_golf_does_not_know_are_told() -> None:
    entry = {**INDEX["naive"], "frobnicate": 1, "seed": 3}
    assert settings_of(entry, {})[1] == ["frobnicate"]


def test_functions_beside_the_models_are_held_against_golf() -> None:
    found = dict(functions_of(HERE, set(INDEX)))
    assert len(found) == 13
    assert all(found.values())
    tensors = load_file(HERE / "newton_schulz.safetensors")
    tensors["ns.polar"] = tensors["ns.polar"] + torch.eye(64, 96).bfloat16()
    assert not dict(judged(tensors))["ns.polar"]
