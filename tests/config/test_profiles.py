"""Profiles shrink what scales, in the base and in every row alike, and set nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.knob import UNSET, Knob, Scale, Value
from golf.config.machine import Launch
from golf.config.profiles import PROFILES, Profile
from golf.config.schema import KNOBS
from golf.errors import GolfError
from golf.plan.row import Rows
from tests.conftest import tiny_rows

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

DEFAULTS: dict[str, Value] = {n: k.default for n, k in KNOBS.items()}
LARGE: dict[str, Value] = {
    "model.depth": 8,
    "model.model_dim": 512,
    "model.head_dim": 64,
    "train.steps": 20_000,
    "train.seq_len": 1024,
    "train.batch_tokens": 524_288,
}
WINDOWED = ("eval.geometries", "ttt.geometry", "ttt.lora_chunk")  # follow the window
EACH = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)


def apply(profile: Profile, **settings: Value) -> dict[str, Value]:
    return profile.apply({**DEFAULTS, **{n.replace("__", "."): v for n, v in settings.items()}})


def shrunk(profile: str, rows: dict[str, dict[str, Value]] | None = None, **base: Value) -> Rows:
    settings = {**LARGE, **{n.replace("__", "."): v for n, v in base.items()}}
    return tiny_rows(settings, rows, profile=profile, launch=Launch(device="cpu"))


@EACH
def test_a_profile_has_a_factor_below_one_for_every_kind_of_knob(profile: Profile) -> None:
    assert set(profile.factors) == set(Scale)
    assert all(0 < f < 1 for f in profile.factors.values())


def test_the_cpu_profile_shrinks_by_what_its_help_says() -> None:
    done = shrunk("cpu").rows[0].values
    assert done["model.model_dim"] == 512 / 4
    assert done["model.head_dim"] == 64 / 4
    assert done["train.seq_len"] == 1024 / 8
    assert done["train.batch_tokens"] == 524_288 / 1024
    assert done["train.steps"] == 20_000 / 20
    assert done["model.depth"] == 8


@EACH
@pytest.mark.parametrize(
    "knob", [k for k in KNOBS.values() if k.scale is None], ids=lambda k: k.name
)
def test_a_knob_without_a_scale_keeps_its_value(profile: Profile, knob: Knob) -> None:
    if knob.name not in (*profile.caps, *WINDOWED):
        assert apply(profile, **{knob.name: knob.example})[knob.name] == knob.example


@EACH
@pytest.mark.parametrize("knob", [k for k in KNOBS.values() if k.scale], ids=lambda k: k.name)
def test_a_scaled_knob_keeps_off_and_null(profile: Profile, knob: Knob) -> None:
    for value in (knob.off, None if knob.optional else UNSET):
        if value is not UNSET:
            assert apply(profile, **{knob.name: value})[knob.name] == value


@EACH
@QUICK
@given(st.data())
def test_a_shrunk_value_is_legal_and_keeps_its_order(profile: Profile, data: st.DataObject) -> None:
    scaled = [k for k in KNOBS.values() if k.scale and k.kind is int and not k.exclusive]
    knob = data.draw(st.sampled_from(scaled))
    least = int(knob.at_least or 0)
    small, large = sorted(data.draw(st.tuples(*[st.integers(least, 10**7)] * 2)))
    done = [apply(profile, **{knob.name: v})[knob.name] for v in (small, large)]
    assert done[0] <= done[1]  # type: ignore[operator]
    assert all(isinstance(v, int) and v >= least for v in done)
    assert all(v % knob.multiple_of == 0 or v == knob.off for v in done)  # type: ignore[operator]


@EACH
@QUICK
@given(seq_len=st.integers(2, 4096), batch=st.integers(2, 10**6), micro=st.integers(2, 10**5))
def test_batches_stay_whole_sequences(
    profile: Profile, seq_len: int, batch: int, micro: int
) -> None:
    done = apply(
        profile, train__seq_len=seq_len, train__batch_tokens=batch, train__micro_tokens=micro
    )
    for name in ("train.batch_tokens", "train.micro_tokens", "ttt.batch_tokens"):
        assert done[name] % done["train.seq_len"] == 0  # type: ignore[operator]
        assert done[name] > 0  # type: ignore[operator]


@EACH
def test_base_and_rows_are_scaled_alike(profile: Profile) -> None:
    rows = shrunk(profile.name, {"wide": {"model.model_dim": 1024}}).rows
    widths = [r.values["model.model_dim"] for r in rows]
    assert widths == [128, 256]


@EACH
def test_rows_that_collide_under_a_profile_are_reported_with_both_names(profile: Profile) -> None:
    with pytest.raises(GolfError) as caught:
        shrunk(profile.name, {"near": {"train.seq_len": 1032}})
    (problem,) = caught.value.problems
    assert problem.what == (
        f"row 'near' is the same as row 'baseline' under profile {profile.name}: it changes nothing"
    )


def test_the_smoke_profile_caps_the_scored_text_and_keeps_a_lower_limit() -> None:
    smoke = PROFILES["smoke"]
    found = [apply(smoke, eval__max_tokens=n)["eval.max_tokens"] for n in (None, 100_000, 512)]
    assert found == [2048, 2048, 512]


@EACH
def test_a_budget_in_tokens_shrinks_to_the_same_steps_as_the_equal_budget_in_steps(
    profile: Profile,
) -> None:
    in_steps = shrunk(profile.name).rows[0].values["train.steps"]
    tokens = 20_000 * 524_288
    base = {n: v for n, v in LARGE.items() if n != "train.steps"} | {"train.tokens": tokens}
    rows = tiny_rows(base, profile=profile.name, launch=Launch(device="cpu"))
    assert rows.rows[0].values["train.steps"] == in_steps


def test_a_budget_in_seconds_shrinks_and_stays_the_budget() -> None:
    base = {n: v for n, v in LARGE.items() if n != "train.steps"} | {"train.seconds": 600.0}
    values = tiny_rows(base, profile="smoke").rows[0].values
    assert (values["train.seconds"], values["train.steps"]) == (600.0 / 500, None)


@EACH
def test_shards_keep_their_vocabulary(profile: Profile) -> None:
    assert apply(profile, data__vocab_size=8192)["data.vocab_size"] < 8192
    shards = apply(profile, data__dataset="/data/fineweb", data__vocab_size=8192)
    assert shards["data.vocab_size"] == 8192


@EACH
def test_an_average_shrinks_to_as_many_steps_fewer(profile: Profile) -> None:
    decay = apply(profile, train__ema_decay=0.999)["train.ema_decay"]
    assert isinstance(decay, float)
    assert 1 / (1 - decay) == pytest.approx(1000 * profile.factors[Scale.STEPS])
    assert apply(profile, train__ema_decay=0.9)["train.ema_decay"] == 0.5


@EACH
def test_strides_shrink_with_their_window_and_chunks_of_adapters_fit_it(profile: Profile) -> None:
    done = apply(
        profile,
        train__seq_len=128,
        eval__geometries=("chunked", "sliding64", "sliding66", "documents16", "slidingly"),
        ttt__geometry="sliding4",
        ttt__lora_chunk=64,
    )
    assert done["train.seq_len"] == 16
    assert done["eval.geometries"] == ("chunked", "sliding8", "documents2", "slidingly")
    assert (done["ttt.geometry"], done["ttt.lora_chunk"]) == ("sliding1", 16)
    wide = apply(profile, train__seq_len=128, eval__seq_len=2048, eval__geometries=("sliding64",))
    assert (wide["eval.seq_len"], wide["eval.geometries"]) == (256, ("sliding8",))
