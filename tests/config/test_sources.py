"""Sources of techniques: of a form that a reader can look up, about values that exist."""

from __future__ import annotations

import re

import pytest

from golf.config.describe import COLUMNS, factor_details, factors_markdown
from golf.config.knob import Knob
from golf.config.schema import KNOBS

SOURCED = [k for k in KNOBS.values() if k.source]
FORMS = (
    r"PR \d+( and \d+)?",
    r"arXiv \d{4}\.\d{4,5}",
    r"karpathy/(autoresearch|nanochat)",
    r"modded-nanogpt",
    r"parameter-golf, March 2026",
    r"(GPTQ|QuIP#|QuaRot|NorMuon|MuonEq-R|Gemma 2)",
    r"as a part of the head, GPT-J",
)


@pytest.mark.parametrize("knob", SOURCED, ids=lambda k: k.name)
def test_a_source_can_be_looked_up_and_is_about_values_of_the_factor(knob: Knob) -> None:
    about = re.findall(r"\(([^)]*)\)", knob.source)
    assert not set(about) - set(map(str, knob.choices))
    form = f"({'|'.join(FORMS)})( \\([^)]*\\))?"
    assert re.fullmatch(f"{form}([,;] {form})*", knob.source), knob.source


def test_the_techniques_of_the_studies_have_a_source() -> None:
    named = (
        "model.xsa", "model.attn_gate", "model.shared_head_dim", "model.parallel", "model.smear",
        "model.value_embed", "model.loop_count", "optim.muon_ns", "optim.muon_row_norm",
        "quant.method", "quant.lqer", "ttt.method", "ttt.phases", "data.caseops",
    )  # fmt: skip
    assert not [n for n in named if not KNOBS[n].source]


def test_the_source_stands_in_the_details_and_in_the_last_column_of_the_page() -> None:
    assert "  source       PR 1774\n" in factor_details(KNOBS["model.shared_head_dim"])
    assert "source" not in factor_details(KNOBS["train.steps"])
    line = next(x for x in factors_markdown().splitlines() if "`model.shared_head_dim`" in x)
    cells = [c.strip() for c in line.strip("|").split(" | ")]
    assert dict(zip(COLUMNS, cells, strict=True))["source"] == "PR 1774"
