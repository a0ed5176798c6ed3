"""A log for each seed, in the lines of the challenge's scripts, written from the records.

golf's stages write records, not logs; ``golf import`` reads these lines back to the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from golf.config.values import format_value
from golf.report.study import Line
from golf.submit.entry import Entry

LABELS = {"pre": "pre_quant", "post": "final_quant_roundtrip", "ttt": "final_ttt"}


def log_name(seed: int) -> str:
    """Return the file name of a seed's log."""
    return f"train_seed{seed}.log"


def write_logs(entry: Entry, folder: Path) -> None:
    """Write every seed's log."""
    for seed in entry.cells:
        text = "\n".join(log_lines(entry, seed)) + "\n"
        (folder / log_name(seed)).write_text(text, encoding="utf-8")


def log_lines(entry: Entry, seed: int) -> Iterator[str]:
    """Yield settings, the training's curve, sizes and every score of a seed."""
    cell, line = entry.cells[seed], entry.lines[seed]
    made = entry.result(cell.train)
    about = made.environment
    yield (
        f"golf {about.get('golf')} recorded this; written from {cell.train.stage}/"
        f"{cell.train.key} and what hangs from it"
    )
    yield f"seed:{seed}"
    yield f"model_params:{line['parameters']:.0f}"
    yield from (f"{n}:{format_value(v)}" for n, v in sorted(entry.row.seeded(seed).items()))
    yield from (f"{n}:{v}" for n, v in sorted(about.items()))
    yield from _training(entry, seed, line)
    coder = entry.row.values["quant.compressor"]
    yield f"Serialized model {coder}: {line['model_bytes']:.0f} bytes"
    yield f"Code size: {len(entry.script)} bytes"
    yield f"Total submission size {coder}: {line['artifact_bytes']:.0f} bytes"
    yield from _scores(entry, seed)


def _training(entry: Entry, seed: int, line: Line) -> Iterator[str]:
    curve, of = entry.analysis.study.curve(entry.row.name, seed), f"{line['steps']:.0f}"
    if curve is None:
        return
    for step, loss, seconds in zip(curve.steps, curve.loss, curve.seconds, strict=True):
        yield (
            f"step:{step:.0f}/{of} train_loss:{loss:.4f} train_time:{1e3 * seconds:.0f}ms "
            f"step_avg:{1e3 * seconds / step:.2f}ms"
        )


def _scores(entry: Entry, seed: int) -> Iterator[str]:
    cell = entry.cells[seed]
    for kind, nodes in (("pre", cell.pre), ("post", cell.post)):
        for geometry, node in nodes.items():
            suffix = "" if geometry == next(iter(nodes)) else f"_{geometry}"
            measures = entry.result(node).measures
            yield _score(f"{LABELS[kind]}{suffix}_exact", measures, "eval_s")
    if cell.ttt:
        yield _score(f"{LABELS['ttt']}_exact", entry.result(cell.ttt).measures, "ttt_s")


def _score(label: str, measures: dict[str, float], clock: str) -> str:
    return (
        f"{label} val_loss:{measures['loss_nats']:.8f} val_bpb:{measures['bpb']:.8f} "
        f"eval_time:{1e3 * measures[clock]:.0f}ms"
    )
