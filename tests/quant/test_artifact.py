"""The artifact file gives back what was put in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.quant.artifact import (
    CODECS,
    Artifact,
    Packing,
    pack_artifact,
    read_artifact,
    write_artifact,
)
from golf.quant.codec.layout import Layout
from golf.quant.grid import Codes, Repair
from tests.quant.artifacts import (
    FAST,
    JSON,
    example,
)

SIDE = st.integers(0, 9)


LAYOUTS = st.builds(Layout, st.booleans(), st.booleans(), st.booleans(), st.booleans())


PACKINGS = st.builds(Packing, st.sampled_from(CODECS), st.just(1), LAYOUTS)


def integers(rows: int, columns: int, most: int, generator: torch.Generator) -> torch.Tensor:
    shape = (rows, columns)
    return torch.randint(-most, most + 1, shape, generator=generator, dtype=torch.int8)


@st.composite
def tensors(draw: st.DrawFn) -> Codes | torch.Tensor:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        rows, columns = draw(SIDE), draw(SIDE)
        codes = integers(rows, columns, draw(st.integers(0, 127)), generator)
        scales = torch.rand(rows, generator=generator).half()
        return Codes(codes, scales, draw(st.booleans()), draw(repairs(rows, columns, generator)))
    shape = draw(st.lists(SIDE, max_size=4))
    return torch.randn(shape, generator=generator).half()


def repairs(rows: int, columns: int, g: torch.Generator) -> st.SearchStrategy[Repair | None]:
    """Draw none, or factors of rank 2 on one scale and on a scale for each row."""
    if not rows * columns:
        return st.none()
    left = Codes(integers(rows, 2, 1, g), torch.rand(1, generator=g).half())
    right = Codes(integers(2, columns, 7, g), torch.rand(2, generator=g).half())
    return st.none() | st.just(Repair(left, right))


def parts(tensor: Codes | torch.Tensor) -> tuple[torch.Tensor, ...]:
    if not isinstance(tensor, Codes):
        return (tensor,)
    factors = tensor.repair or ()
    return (tensor.codes, tensor.scales, *(t for f in factors for t in (f.codes, f.scales)))


def assert_same(found: Artifact, expected: Artifact) -> None:
    assert found.settings == expected.settings
    assert list(found.tensors) == list(expected.tensors)
    for name, tensor in expected.tensors.items():
        assert getattr(found.tensors[name], "rotated", None) == getattr(tensor, "rotated", None)
        for a, b in zip(parts(found.tensors[name]), parts(tensor), strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert torch.equal(a, b)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.text(), tensors(), max_size=5), st.dictionaries(st.text(), JSON), PACKINGS
)
def test_tensors_names_and_settings_survive_the_file(
    folder: Path, named: dict[str, Codes | torch.Tensor], values: dict[str, Any], packing: Packing
) -> None:
    path = folder / "artifact.bin"
    size = write_artifact(path, Artifact(values, named), packing)
    assert size == path.stat().st_size
    assert_same(read_artifact(path), Artifact(values, named))


@pytest.mark.parametrize("packing", [Packing(c) for c in CODECS], ids=CODECS)
def test_the_same_content_gives_the_same_bytes_again(folder: Path, packing: Packing) -> None:
    files = [folder / "one.bin", folder / "two.bin"]
    write_artifact(files[0], example(), packing)
    write_artifact(files[1], read_artifact(files[0]), packing)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_weights_are_codes_times_scales_in_float32(folder: Path) -> None:
    path = folder / "artifact.bin"
    write_artifact(path, example(), FAST)
    weights = read_artifact(path).weights()
    for name, tensor in example().tensors.items():
        expected = (
            tensor.codes.float() * tensor.scales.float()[:, None]
            if isinstance(tensor, Codes)
            else tensor.float()
        )
        assert weights[name].dtype == torch.float32
        assert torch.equal(weights[name], expected)


def test_tensors_with_transposed_memory_survive(folder: Path) -> None:
    codes = torch.arange(12, dtype=torch.int8).view(3, 4).T
    plain = torch.randn(3, 4).half().T
    artifact = Artifact({}, {"a": Codes(codes, torch.ones(8).half()[::2]), "b": plain})
    write_artifact(folder / "artifact.bin", artifact, FAST)
    assert_same(read_artifact(folder / "artifact.bin"), artifact)


def test_passed_through_tensors_are_rounded_to_fp16(folder: Path) -> None:
    exact = torch.tensor([1 / 3, 1e-3, 70.1])
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": exact}), FAST)
    assert torch.equal(read_artifact(folder / "artifact.bin").weights()["a"], exact.half().float())


@pytest.mark.parametrize("codec", CODECS)
def test_repetitive_codes_cost_almost_nothing(codec: str) -> None:
    flat = Codes(torch.zeros(100, 1000, dtype=torch.int8), torch.ones(100).half())
    assert len(pack_artifact(Artifact({}, {"a": flat}), Packing(codec))) < 400


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="no artifact here"):
        read_artifact(tmp_path / "nothing.bin")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GolfError):
        read_artifact(tmp_path)


def test_special_fp16_values_survive(folder: Path) -> None:
    values = torch.tensor([math.inf, -math.inf, 0.0, -0.0, 2.0**-24, 65504.0]).half()
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": values}), FAST)
    found = read_artifact(folder / "artifact.bin").tensors["a"]
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found.view(torch.int16), values.view(torch.int16))
