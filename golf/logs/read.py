"""A log to runs: every number that is in it, and nothing that is not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from golf.logs import lines as grammar
from golf.logs.lines import (
    Step,
    bits_per_byte,
    parse_scores,
    parse_settings,
    parse_step,
    parse_time,
    whole,
)
from golf.logs.meaning import SLIDING, Kind, Score, kind_of
from golf.logs.run import Run, decimals
from golf.logs.summary import LINE, is_block
from golf.logs.text import clean_lines, read_text

AVERAGING = re.compile(r"\s*(?:ema|swa)\w*\s*:\s*applying", re.I)
DEVICE = re.compile(r"(NVIDIA [A-Z]+[\w-]*(?: [\w-]+)*?)\s{2,}")
TORCH = re.compile(r"PyTorch\s+(\d[\w.+]*)")


def read_log(path: Path) -> list[Run]:
    """Return the runs of a log, in order; empty when nothing in it looks like one.

    Raises:
        GolfError: the file cannot be read.
    """
    return parse_log(read_text(path), str(path))


def parse_log(text: str, source: str) -> list[Run]:
    """Return the runs of a log's text."""
    lines, removed = clean_lines(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    runs = [Run(source, digest)]
    for line in lines:
        if _starts_anew(line, runs[-1]):
            runs.append(Run(source, digest))
        _read_line(line, runs[-1])
    for run in runs:
        _add_block(run)
    found = [r for r in runs if r.is_under_way or r.totals]
    for run in found:
        run.siblings, run.removed = len(found), removed
    return found


def _add_block(run: Run) -> None:
    """Add what autoresearch prints at the end; nothing there was quantized."""
    block = run.block
    if not is_block(block):
        return
    text, steps = block["val_bpb"], int(float(block["num_steps"]))
    if bpb := bits_per_byte(text):
        run.scores.append(Score("val_bpb", Kind.PRE, bpb, decimals(text)))
    run.steps.append(Step(steps, 0))
    if "training_seconds" in block:
        run.train_time_ms = float(block["training_seconds"]) * 1000
    if "peak_vram_mb" in block:
        run.peak_mib = round(float(block["peak_vram_mb"]))


def _starts_anew(line: str, run: Run) -> bool:
    """Say whether a line belongs to the next run: a header, steps from the start, or a block."""
    if not run.is_under_way:
        return False
    step = parse_step(line)
    if step:
        again = run.is_over and step.of == run.cap
        return bool(run.steps) and step.step < run.steps[-1].step and (again or not run.is_over)
    entry = LINE.match(line)
    if entry and entry[1] == "val_bpb" and is_block(run.block):
        return True
    return bool(grammar.NEW_RUN.match(line))


def _read_line(line: str, run: Run) -> None:
    step = parse_step(line)
    if step:
        if run.may_take(step):
            run.take(step)
        return
    if entry := LINE.match(line):
        run.block[entry[1]] = entry[2]
    if any([_read_size(line, run), _read_end(line, run), _read_scores(line, run)]):
        return
    if grammar.SLIDING_MODE.search(line):
        run.sliding_mode = True
    elif not run.steps:
        _read_header(line, run)


def _read_scores(line: str, run: Run) -> bool:
    told = list(parse_scores(line))
    for found in told:
        about = found.label + (" stride" if "stride" in found.about else "")
        kind = kind_of(about, run.sliding_mode)
        score = Score(found.label, kind, float(found.bpb), decimals(found.bpb), found.loss)
        run.scores.append(score)
        run.sliding_mode = run.sliding_mode and not SLIDING.search(found.label.lower())
    return bool(told)


def _read_header(line: str, run: Run) -> None:
    device, torch = DEVICE.search(line), TORCH.search(line)
    parameters = grammar.PARAMETER_COUNT.search(line)
    if device:
        run.environment.setdefault("device", device[1])
    if torch:
        run.environment["torch"] = torch[1]
    if parameters:
        run.settings.setdefault("num_params", parameters[1])
    elif "|" not in line:
        for name, value in parse_settings(line).items():
            run.settings.setdefault(name, value)


def _read_size(line: str, run: Run) -> bool:
    for pattern, kept in (
        (grammar.MODEL_SIZE, run.sizes),
        (grammar.TOTAL_SIZE, run.totals),
        (grammar.ARTIFACT_SIZE, run.totals),
    ):
        found = pattern.search(line)
        if found:
            kept.append((found[1].strip(" _()"), whole(found[2])))
            run.ended = bool(run.steps)
            return True
    code, budget, part = (
        p.search(line) for p in (grammar.CODE_SIZE, grammar.BUDGET, grammar.CODE_PART)
    )
    if code:
        run.code[code[1].strip(" ()").lower()] = whole(code[2])
    elif budget:
        run.totals.append(("budget_line", whole(budget[1])))
    elif part and line.lstrip().startswith("artifact"):
        run.code["part"] = whole(part[1])
    return bool(code or budget)


def _read_end(line: str, run: Run) -> bool:
    stop, peak = grammar.STOP.search(line), grammar.PEAK.search(line)
    if stop and run.steps and not run.stopped:
        _stop(line, stop[1], run)
    if peak:
        run.peak_mib = round(float(peak[1] or peak[2]))
        run.ended = bool(run.steps)
    if AVERAGING.match(line):
        run.averaged = True
    return bool((stop and run.steps) or peak)


def _stop(line: str, reason: str, run: Run) -> None:
    at = grammar.STOPPED_AT.search(line)
    if at and int(at[1]) > run.steps[-1].step:
        run.take(Step(int(at[1]), int(at[2])))
    run.stopped = reason
    run.train_time_ms = parse_time(line) or run.train_time_ms
