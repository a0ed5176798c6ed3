"""Which names a knob answers to, and that old files keep meaning what they meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from golf.config import names
from golf.config.formula import FormulaError, parse_formula
from golf.config.knob import Knob
from golf.config.load import parse_override
from golf.config.names import find_knob, short_names
from golf.config.schema import KNOBS
from golf.errors import GolfError

FROZEN = Path(__file__).parents[1] / "data" / "short_names.json"
HOW_TO_ADD = f"""\
A name that matrix files may use must go on meaning the same knob.
If you added a knob or an alias, add the new short names to {FROZEN} (lower case: dotted name):

  python -c "import json; from golf.config.names import short_names as s; \\
print(json.dumps({{k: v[0] for k, v in sorted(s().items())}}, indent=1))"

If a frozen name now means several knobs or another one, declare the new knob with `bare=False`
or give it another alias; do not change a frozen line.
"""


AMBIGUOUS = {"adam_wd"}


def frozen() -> dict[str, str]:
    found: dict[str, str] = json.loads(FROZEN.read_text(encoding="utf-8"))
    return found


def resolve(written: str) -> str:
    try:
        return find_knob(written).name
    except GolfError as error:
        return str(error)


def test_every_frozen_short_name_still_means_the_same_knob() -> None:
    moved = {s: resolve(s) for s, knob in frozen().items() if resolve(s) != knob}
    assert not moved, HOW_TO_ADD


def test_every_short_name_is_frozen() -> None:
    assert set(short_names()) - AMBIGUOUS == set(frozen()), HOW_TO_ADD


@pytest.mark.parametrize("written", sorted(AMBIGUOUS))
def test_a_name_that_scripts_use_for_two_things_asks_which(written: str) -> None:
    with pytest.raises(GolfError) as caught:
        find_knob(written)
    (problem,) = caught.value.problems
    assert "may be optim.embed_wd or optim.scalar_wd" in problem.what


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda k: k.name)
def test_a_knob_is_found_by_its_dotted_name_and_aliases_in_either_case(knob: Knob) -> None:
    written = [knob.name]
    for short in (*knob.aliases, *([knob.leaf] if knob.bare else [])):
        written += [] if short in AMBIGUOUS else [short, short.upper(), short.title()]
    assert {find_knob(w).name for w in written} == {knob.name}


@pytest.mark.parametrize("knob", [k for k in KNOBS.values() if not k.bare], ids=lambda k: k.name)
def test_a_leaf_that_says_too_little_alone_does_not_mean_its_knob(knob: Knob) -> None:
    assert resolve(knob.leaf) != knob.name


@pytest.mark.parametrize("written", ["lr", "LR", "momentum", "geometry", "phases", "clip"])
def test_a_leaf_that_may_not_stand_alone_is_answered_with_the_whole_name(written: str) -> None:
    section = "quant" if written == "clip" else "ttt"
    assert resolve(written).endswith(f"did you mean '{section}.{written.lower()}'?")


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("gate_widht", "'gate_width'"),
        ("model.gate_widht", "'model.gate_width'"),
        ("num_kv_head", "'num_kv_heads'"),
        ("SEQLEN", "'seq_len'"),
    ],
)
def test_an_unknown_name_gets_the_closest_ones(written: str, suggested: str) -> None:
    with pytest.raises(GolfError) as caught:
        find_knob(written)
    (problem,) = caught.value.problems
    assert problem.what == f"unknown factor {written!r}"
    assert "did you mean" in problem.hint
    assert suggested in problem.hint


PUBLISHED = [(n, k, text) for k in KNOBS.values() for n, text in k.published.items()]


@pytest.mark.parametrize(("written", "knob", "setting"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_a_published_name_is_answered_with_a_setting_that_golf_reads(
    written: str, knob: Knob, setting: str
) -> None:
    for name in (written, written.lower()):
        with pytest.raises(GolfError) as caught:
            find_knob(name)
        (problem,) = caught.value.problems
        assert problem.hint == f"{written} is {knob.name} here, for example `{setting}`"
    found, made = parse_override(setting.replace(": ", "=", 1))
    assert (found, made.formula) == (knob.name, None)
    assert made.value != knob.default
    assert [n for n, _, _ in PUBLISHED].count(written) == 1


def test_a_published_name_in_a_formula_is_answered_too() -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula("xsa_last_n + 1")
    assert caught.value.hint == "XSA_LAST_N is model.xsa here, for example `xsa: last:4`"


# what the published training scripts read from the environment or set at their top
SCRIPTS = """
ADAM_EPS ASPECT_RATIO BETA1 BETA2 DEPTH EMA_DECAY EMBEDDING_LR EMBED_BITS EMBED_CLIP_SIGMAS EMBED_LR
EMBED_WD ENABLE_LOOPING_AT EVAL_SEQ_LEN EVAL_TOKENS FINAL_LR_FRAC GATED_ATTN_QUANT_GATE GATE_WINDOW
GLOBAL_TTT_EPOCHS GLOBAL_TTT_LR GPTQ_CALIBRATION_BATCHES GRAD_CLIP_NORM HEAD_DIM HEAD_LR ITERATIONS
LN_SCALE LOGIT_SOFTCAP LOOP_END LOOP_START MATRIX_BITS MATRIX_CLIP_SIGMAS MATRIX_LR
MAX_WALLCLOCK_SECONDS MIN_LR MLP_CLIP_SIGMAS MLP_MULT MODEL_DIM MUON_BACKEND_STEPS MUON_BETA2
MUON_MOMENTUM MUON_MOMENTUM_WARMUP_START MUON_MOMENTUM_WARMUP_STEPS MUON_ROW_NORMALIZE MUON_WD
NUM_HEADS NUM_KV_HEADS NUM_LAYERS NUM_LOOPS PARALLEL_FINAL_LANE PARALLEL_RESIDUAL_START
PARALLEL_START_LAYER PHASED_TTT_NUM_PHASES PHASED_TTT_PREFIX_DOCS QK_GAIN_INIT ROPE_BASE ROPE_DIMS
ROPE_TRAIN_SEQ_LEN SCALAR_LR SPARSE_ATTN_GATE_SCALE TIED_EMBED_INIT_STD TIED_EMBED_LR TIE_EMBEDDINGS
TIME_BUDGET TOTAL_BATCH_SIZE TRAIN_BATCH_TOKENS TRAIN_LOG_EVERY TRAIN_SEQ_LEN TTT_BATCH_SIZE
TTT_BETA1 TTT_BETA2 TTT_CHUNK_SIZE TTT_CHUNK_TOKENS TTT_EPOCHS TTT_FREEZE_BLOCKS TTT_GRAD_CLIP
TTT_LORA_LR TTT_LORA_RANK TTT_LR TTT_MOMENTUM TTT_WEIGHT_DECAY UNEMBEDDING_LR VALUE_RESIDUAL VE_DIM
VOCAB_SIZE WARMDOWN_FRAC WARMDOWN_ITERS WARMDOWN_RATIO WARMUP_RATIO WARMUP_STEPS WINDOW_PATTERN
"""


@pytest.mark.parametrize("written", SCRIPTS.split())
def test_names_of_published_scripts_are_taken_as_they_are(written: str) -> None:
    assert find_knob(written).name in KNOBS


def test_a_name_like_no_other_is_answered_with_the_list_of_factors() -> None:
    with pytest.raises(GolfError, match="golf factors"):
        find_knob("zzzzzz")


def test_a_name_that_fits_several_knobs_lists_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    two = {"bits": ("quant.bits", "quant.embed_bits")}
    monkeypatch.setattr(names, "short_names", lambda: two)
    with pytest.raises(GolfError, match=r"'BITS' may be quant\.bits or quant\.embed_bits"):
        find_knob("BITS")
