"""``python -m tests.fidelity [DIR]``: a line per published file with the worst relative errors.

DIR holds an ``index.json`` and one safetensors file per entry, as ``tests/data/fidelity`` does, and
files of single functions beside them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from safetensors.torch import load_file

from golf.errors import GolfError
from tests.fidelity.compare import Difference, compare, shapes_of
from tests.fidelity.functions import functions_of
from tests.fidelity.published import settings_of

HERE = Path(__file__).parents[1] / "data" / "fidelity"
FORWARD, STEPS = 1e-5, 0.03


def holds(found: Difference, forward: float = FORWARD) -> bool:
    """Say whether the differences are those of float32 and bfloat16 rounding."""
    exact = max(found.logits, found.loss, found.grads) <= forward
    return exact and all((e or 0.0) <= STEPS for e in (found.one_step, found.steps, found.up))


def line(name: str, found: Difference) -> str:
    """Return what is printed for one file."""
    text = f"{name:24} logits {found.logits:.1e}  loss {found.loss:.1e}  grads {found.grads:.1e}"
    if found.steps is not None:
        text += f"  1 step {found.one_step:.3f}  8 steps {found.steps:.3f} (up {found.up:.3f})"
    return f"{text}  {'ok' if holds(found) else 'DIFFERS'}"


def main(folder: Path) -> int:
    """Compare every file of ``folder``; return 1 if one differs."""
    failed = 0
    index = json.loads((folder / "index.json").read_text())
    for name, entry in index.items():
        tensors = load_file(folder / f"{name}.safetensors")
        try:
            found = compare(entry, tensors)
        except (GolfError, KeyError, RuntimeError) as error:
            failed += 1
            print(f"{name:24} cannot be built: {error}")
            continue
        print(line(name, found))
        if not holds(found):
            failed += 1
            unknown = settings_of(entry, shapes_of(tensors))[1]
            print(f"  worst gradient: {max(found.by_name, key=found.by_name.__getitem__)}")
            print(f"  not understood: {', '.join(unknown) or 'nothing'}")
    for name, same in functions_of(folder, set(index)):
        failed += not same
        print(f"{name:24} {'ok' if same else 'DIFFERS'}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else HERE))
