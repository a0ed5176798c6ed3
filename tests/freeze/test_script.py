"""The frozen script: alone in an empty folder it gives the row's numbers, bit for bit."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

import golf
from golf.config.knob import Value
from golf.errors import GolfError
from golf.freeze.command import freeze_row
from golf.freeze.parts import tensors
from golf.freeze.script import BROTLI, _modules
from golf.freeze.shake import Stripper
from golf.plan.graph import Cell
from golf.records import read_result
from golf.stages.code_bytes import code_bytes
from tests.conftest import TINY, Project

SGD = ("ttt.chunk_tokens", "ttt.batch_tokens")
MISSING = ("zstandard", "yaml", "typer", "pandas", "rich", "pyarrow")
RUN = f"""
import atexit, runpy, sys
sys.modules.update(dict.fromkeys({MISSING!r}))
sys.argv = sys.argv[1:]
files = lambda: [getattr(sys.modules[n], "__file__", None) for n in ("golf", "safetensors")]
atexit.register(lambda: print("from", files()))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def frozen(project: Project, values: dict[str, Value], folder: Path) -> tuple[Cell, Path]:
    plan, script = project.plan(values), folder / "train_gpt.py"
    list(freeze_row(plan, plan.rows.rows[0], None, script))
    return plan.cells[0], script


def run_alone(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in its folder by a Python that has none of golf's other libraries."""
    argv = [sys.executable, "-c", RUN, script.name, *arguments]
    return subprocess.run(argv, cwd=script.parent, capture_output=True, text=True, check=False)


def measured(output: str) -> dict[str, dict[str, float]]:
    found = {}
    for line in output.splitlines():
        stage, *pairs = line.split()
        found[stage] = {k: float(v) for k, v in (p.split("=") for p in pairs if "=" in p)}
    return found


@pytest.mark.parametrize("method", ["rtn", "gptq"])
def test_the_script_gives_the_rows_numbers_bit_for_bit(
    project: Project, tmp_path: Path, method: str
) -> None:
    calibration: dict[str, Value] = {"quant.calib_batches": 2} if method == "gptq" else {}
    cell, script = frozen(project, {**TINY, "quant.method": method, **calibration}, tmp_path)
    project.run_cell(cell)
    done = run_alone(script, str(project.paths.dataset(cell.train.dataset.key)))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.rstrip().endswith("from [None, None]"), "all of it is the script's own"
    found = measured(done.stdout)
    nodes = {"train": cell.train, "quantize": cell.quantize, "evaluate": cell.post["chunked"]}
    for stage, node in {**nodes, "ttt": cell.ttt}.items():
        assert node
        recorded = read_result(project.files(node))
        assert recorded
        for name in {"train_loss_nats", "model_bytes", "bpb"} & recorded.measures.keys():
            assert found[stage][name] == recorded.measures[name], name
    made = (tmp_path / "runs/quantize/quantize/artifact.bin").read_bytes()
    assert made == project.files(cell.quantize).artifact.read_bytes()


SCORINGS: dict[str, dict[str, Value]] = {
    "chunked": {"ttt.method": "none", "eval.max_tokens": None},
    "sgd": {},
    "lora": {
        "ttt.method": "lora", "ttt.lora_rank": 8, "ttt.phases": 2,
        "eval.geometries": ("chunked", "sliding16", "documents", "documents32"),
        "eval.convention": "skip_special",
    },
}  # fmt: skip


def scored(how: str) -> dict[str, Value]:
    named = {**TINY, **SCORINGS[how]}
    return {n: v for n, v in named.items() if how == "sgd" or n not in SGD}


@pytest.mark.parametrize("how", SCORINGS)
def test_its_size_is_the_code_bytes_of_the_row(project: Project, tmp_path: Path, how: str) -> None:
    cell, script = frozen(project, scored(how), tmp_path)
    project.run(cell.quantize)
    recorded = read_result(project.files(cell.quantize))
    assert recorded
    assert recorded.measures["code_bytes"] == script.stat().st_size < 60_000


def test_scorings_beyond_their_block_are_told(project: Project, tmp_path: Path) -> None:
    names = tuple(f"{kind}{n}" for kind in ("sliding", "documents") for n in range(1, 128))
    plan = project.plan({**TINY, "eval.geometries": names})
    told = "\n".join(freeze_row(plan, plan.rows.rows[0], None, tmp_path / "x.py"))
    found = re.search(r"its scorings take ([\d,]+) bytes more than the 512", told)
    assert found, told
    counted = code_bytes(plan.cells[0].train.spec, plan.cells[0].quantize.spec)
    more = int(found[1].replace(",", ""))
    assert (tmp_path / "x.py").stat().st_size == counted + more > counted


def test_an_older_brotli_is_named(project: Project, tmp_path: Path) -> None:
    _, script = frozen(project, TINY, tmp_path)
    old = "brotli.Decompressor = lambda: types.SimpleNamespace(process=lambda data: data)"
    code = f"import brotli, runpy, types; {old}; runpy.run_path({str(script)!r}, None, '__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "DATA_PATH": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == f"brotli is too old: pip install 'brotli>={BROTLI}'\n"
    own = tomllib.loads((Path(golf.__file__).parents[1] / "pyproject.toml").read_text())
    assert f"brotli>={BROTLI}" in own["project"]["dependencies"]


def test_a_script_without_its_data_says_what_it_wants(project: Project, tmp_path: Path) -> None:
    _, script = frozen(project, TINY, tmp_path)
    done = run_alone(script, "nowhere")
    assert done.returncode == 2
    assert "usage: train_gpt.py FOLDER" in done.stderr


def test_a_seed_that_the_row_has_not_is_refused(project: Project, tmp_path: Path) -> None:
    plan = project.plan()
    with pytest.raises(GolfError, match="no seed 5"):
        list(freeze_row(plan, plan.rows.rows[0], 5, tmp_path / "x.py"))


def test_only_what_runs_is_in_it() -> None:
    sources: dict[str, object] = {}
    exec(_modules(), sources)
    modules = sources["M"]
    assert isinstance(modules, dict)
    absent = ("golf.cli", "golf.plan", "golf.config.schema", "golf.config.load", "golf.report")
    assert not [m for m in modules if m.startswith(absent)]
    assert "golf.model.gpt" in modules
    whole = "\n".join(modules.values())
    assert '"""' not in whole
    assert not re.search(r"def \w+\([^)]*\) ->", whole)


def test_stripping_leaves_what_runs() -> None:
    text = '''
from __future__ import annotations
"""Doc."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import nothing
class A:
    """Doc."""
    x: list[int] = 3
    def f(self, y: int, *, z: str = "a") -> str:
        """Doc."""
        w: int
        v: float = 2.0
        return f"{self.x} {y} {z} {v}"
class B(A):
    """Only a doc."""
def g() -> None:
    """Only a doc."""
RESULT: str = B().f(1)
if __name__ == "__main__":
    raise SystemExit
'''
    stripped = ast.unparse(ast.fix_missing_locations(Stripper().visit(ast.parse(text))))
    names: dict[str, object] = {"__name__": "__main__"}
    exec(stripped, names)
    assert names["RESULT"] == "3 1 a 2.0"
    assert "Doc" not in stripped
    assert "float" not in stripped


NUMBERS = st.sampled_from(
    [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64]
)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda n: n != "__metadata__"),
        st.tuples(NUMBERS, st.lists(st.integers(0, 4), max_size=3)),
        max_size=4,
    ),
    st.text(),
)
def test_the_stand_in_reads_and_writes_safetensors_files(
    shapes: dict[str, tuple[torch.dtype, list[int]]], note: str
) -> None:
    named = {n: (100 * torch.randn(s)).to(d) for n, (d, s) in shapes.items()}
    path = Path(__file__).with_name(".stand-in")
    try:
        for save, opened in ((save_file, tensors.safe_open), (tensors.save_file, safe_open)):
            save(named, path, metadata={"about": note})
            with opened(path, "pt", device="cpu") as f:
                assert f.metadata()["about"] == note
                assert sorted(f.keys()) == sorted(named)
                for name, tensor in named.items():
                    assert torch.equal(f.get_tensor(name), tensor)
                    assert f.get_tensor(name).dtype == tensor.dtype
    finally:
        path.unlink(missing_ok=True)
