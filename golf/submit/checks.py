"""The challenge's rules, each held against what was recorded: met, not met, or not checked."""

from __future__ import annotations

import os
from enum import StrEnum

from golf.frozen import Frozen
from golf.plan.shelf import Found
from golf.records import ARTIFACT_LIMIT
from golf.report.scoring import audit_text
from golf.report.tables.record import record_numbers
from golf.statistics.challenge import ALPHA, GAIN_NATS
from golf.submit.against import Rival
from golf.submit.entry import Entry

LIMIT_S = 600.0  # of training, and of evaluation
LEAST_SEEDS = 3


class Status(StrEnum):
    """What came of a check."""

    MET = "met"
    NOT_MET = "not met"
    UNCHECKED = "not checked"


class Check(Frozen):
    """A rule and how the row stands to it.

    Attributes:
        name: as the challenge's ``compliance`` calls it, where it has a name for it.
        rule: what is asked.
        evidence: the numbers, or why nobody knows.
    """

    name: str
    rule: str
    status: Status
    evidence: str


def checks_of(entry: Entry, rival: Rival | None) -> list[Check]:
    """Return every check that needs no run of the script."""
    makers = (_size, _training, _evaluation, _machine, _source, _text, _artifact, _audit, _seeds)
    return [*(make(entry) for make in makers), _gain(entry, rival), _author(entry)]


def _status(met: bool) -> Status:
    return Status.MET if met else Status.NOT_MET


def _size(entry: Entry) -> Check:
    sizes = {seed: int(line["artifact_bytes"]) for seed, line in entry.lines.items()}
    seed = max(sizes, key=sizes.__getitem__)
    model, code = int(entry.lines[seed]["model_bytes"]), len(entry.script)
    evidence = f"largest: seed {seed}, {model:,} of model + {code:,} of train_gpt.py"
    evidence += f" = {sizes[seed]:,} bytes"
    rule = f"model and code are at most {ARTIFACT_LIMIT:,} bytes"
    return Check("artifact_under_16mb", rule, _status(sizes[seed] <= ARTIFACT_LIMIT), evidence)


def _training(entry: Entry) -> Check:
    """Hold training and whatever else reads training text against its limit."""
    clocks = {}
    for seed, cell in entry.cells.items():
        quantizing = entry.result(cell.quantize).measures
        calibrating = quantizing.get("calibrate_s", quantizing["quantize_s"])
        clocks[seed] = entry.result(cell.train).measures["train_s"], calibrating
    seed = max(clocks, key=lambda s: sum(clocks[s]))
    train, calibrating = clocks[seed]
    evidence = f"slowest: seed {seed}, {train:.1f} s of training + {calibrating:.1f} s of "
    evidence += "calibration; compilation and evaluation are not in it"
    rule = f"all use of training data ends within {LIMIT_S:g} s"
    return Check("train_under_600s", rule, _status(sum(clocks[seed]) <= LIMIT_S), evidence)


def _evaluation(entry: Entry) -> Check:
    clocks = {seed: seconds_of(entry.final(seed)) for seed in entry.cells}
    seed = max(clocks, key=clocks.__getitem__)
    evidence = f"slowest: seed {seed}, {clocks[seed]:.1f} s for the submitted score"
    rule = f"evaluation ends within {LIMIT_S:g} s"
    return Check("eval_under_600s", rule, _status(clocks[seed] <= LIMIT_S), evidence)


def seconds_of(result: Found) -> float:
    """Return the seconds that a score took."""
    return result.measures["ttt_s" if "ttt_s" in result.measures else "eval_s"]


def _machine(entry: Entry) -> Check:
    devices = hardware(entry)
    met = all("H100" in name and number == "8" for name, number in devices)
    evidence = " and ".join(f"{number}x {name}" for name, number in devices)
    return Check("on_8xh100", "the limits are those of 8x H100", _status(met), evidence)


def hardware(entry: Entry) -> list[tuple[str, str]]:
    """Return the devices that the row's numbers were made on, with their number."""
    made = [r.environment for r in entry.everything()]
    return sorted({(str(e.get("device")), str(e.get("world_size"))) for e in made})


def _source(entry: Entry) -> Check:
    made = {(r.environment.get("commit"), r.environment.get("dirty")) for r in entry.everything()}
    rule = "all numbers come from one committed source"
    told = [f"{c[:12]}{' with uncommitted changes' if dirty else ''}" for c, dirty in made if c]
    if len(told) < len(made):
        return Check("one_source", rule, Status.UNCHECKED, "golf was not run from a git checkout")
    met = len(made) == 1 and not any(dirty for _, dirty in made)
    return Check("one_source", rule, _status(met), f"commit {' and '.join(sorted(told))}")


def _text(entry: Entry) -> Check:
    finals = [entry.final(seed) for seed in entry.cells]
    met = all(r.facts.get("whole_split") for r in finals)
    counts = sorted({f"{r.measures['scored_targets']:,.0f}" for r in finals})
    evidence = f"{' and '.join(counts)} targets scored, " + ("all" if met else "not all") + " of it"
    return Check("whole_validation", "the whole validation text counts", _status(met), evidence)


def _artifact(entry: Entry) -> Check:
    """Check that the submitted score was made from the bytes on disk; their hash was checked."""
    hashes = {s: entry.result(c.quantize).output_sha256 for s, c in entry.cells.items()}
    met = all(hashes[seed] in entry.final(seed).inputs.values() for seed in entry.cells)
    digests = ", ".join(f"{d[:12]}" for d in hashes.values())
    rule = "the score starts from the artifact's bytes; nothing adapts before quantization"
    return Check("no_pre_quant_ttt", rule, _status(met), f"artifacts on disk, sha256 {digests}")


def _audit(entry: Entry) -> Check:
    finals = [entry.final(seed) for seed in entry.cells]
    found = audit_text(finals)
    rule = "every token is scored once, by probabilities that sum to one, before anything sees it"
    if found == "✅":
        samples = ", ".join(f"{r.facts['audit']['targets']:,}" for r in finals)
        evidence = f"audited on samples of {samples} targets"
        return Check("score_first_ttt", rule, Status.MET, evidence)
    if found.startswith("❌"):
        return Check("score_first_ttt", rule, Status.NOT_MET, f"audit: {found[2:]}")
    path = os.path.relpath(entry.plan.rows.matrix.path.resolve(), entry.plan.paths.root.resolve())
    evidence = f"no audit on record: {entry.options.line('run', path, '--audit')} adds it"
    return Check("score_first_ttt", rule, Status.UNCHECKED, evidence)


def _seeds(entry: Entry) -> Check:
    evidence = f"all {len(entry.cells)} planned seeds are in: {', '.join(map(str, entry.cells))}"
    rule = f"at least {LEAST_SEEDS} seeds"
    return Check("three_seeds", rule, _status(len(entry.cells) >= LEAST_SEEDS), evidence)


def _gain(entry: Entry, rival: Rival | None) -> Check:
    rule = f"a gain of at least {GAIN_NATS:g} nats per token at p < {ALPHA:g}"
    if rival is None:
        why = "there is no finished row to compare with: give --against"
        return Check("significant_gain", rule, Status.UNCHECKED, why)
    said = record_numbers(rival.test, entry.bytes_per_token)
    evidence = f"against {rival.name} ({rival.delta.test}): {said}"
    return Check("significant_gain", rule, _status(rival.test.passed), evidence)


def _author(entry: Entry) -> Check:
    signature = entry.signature
    lacking = {"--author": signature.author, "--github-id": signature.github_id}
    missing = [option for option, value in lacking.items() if not value]
    evidence = f"give {' and '.join(missing)}" if missing else signature.author
    return Check("author_named", "the author is named", _status(not missing), evidence)
