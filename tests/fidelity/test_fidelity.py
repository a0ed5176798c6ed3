"""Presets and parts compute what the published programs compute (``make fidelity`` prints it)."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

from tests.fidelity.__main__ import FORWARD, HERE, holds, line
from tests.fidelity.compare import compare

INDEX = json.loads((HERE / "index.json").read_text())


@pytest.mark.parametrize(("attention", "forward"), [("tiles", FORWARD), ("sdpa", 3 * FORWARD)])
@pytest.mark.parametrize("name", INDEX)
def test_a_published_program_is_reproduced(name: str, attention: str, forward: float) -> None:
    found = compare(INDEX[name], load_file(HERE / f"{name}.safetensors"), attention)
    assert holds(found, forward), f"{line(name, found)}\n{found.by_name}"


def test_a_wrong_setting_shows() -> None:
    tensors = load_file(HERE / "naive.safetensors")
    wrong = {**INDEX["naive"], "qk_gain_init": 1.5, "logit_softcap": 20.0}
    assert not holds(compare(wrong, tensors))
