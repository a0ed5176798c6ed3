"""Quantize; where a number of bytes is given, choose bits and clips that fit it first.

What rounding costs is measured on windows of the training split, by the model's own forward
pass with one role rounded at a time; validation text is never looked at. Processes share the
measuring; the leading one makes the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from golf.config.fitted import SPARE, fitted_spec
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.quant.artifact import pack_artifact
from golf.quant.fit import (
    Rung,
    allot,
    bytes_per_octave,
    curve,
    even_rungs,
    land,
    rungs_around,
    scaled,
)
from golf.quant.quantize import Tensors
from golf.quant.shares import bytes_by_kind
from golf.stages import quantize
from golf.stages.code_bytes import code_bytes
from golf.stages.context import Context, Outcome
from golf.stages.trial import Trial

CORRECTIONS = 2  # of estimated bytes by those of a file
NEAR = 0.01  # of the budget: how far an estimate may be off without a correction

Grids = Mapping[str, Rung]


def main(context: Context) -> Outcome:
    """Write the artifact on the leading process; its size is that of the file on disk."""
    config = group_from(context.node.spec, QuantConfig)
    if config.fit_bytes is None:
        return quantize.main(context)
    clock = quantize.Clock()
    model, hessians = quantize.calibrated(context, config)
    clock.lap("calibrate_s")
    fitting = Fitting(context, Trial(context, model, config, hessians), config.fit_bytes)
    grids = fitting.choose() if context.world.leads else {}
    tensors = fitting.trial.rounded(grids) if grids else {}
    told = fitting.tell(grids, tensors) if grids else {}
    clock.lap("fit_s")
    spec = fitted_spec(context.node.spec, settings_of(grids))
    outcome = quantize.finish(context, spec, tensors, clock)
    outcome.facts["fit"] = told | {"over": outcome.measures["artifact_bytes"] > config.fit_bytes}
    return outcome


def settings_of(grids: Grids) -> dict[str, Any]:
    """Return the knobs that set what was chosen."""
    bits = {f"quant.{role}_bits": rung.bits for role, rung in grids.items()}
    return bits | {f"quant.{role}_clip_sigmas": rung.clip for role, rung in grids.items()}


class File(NamedTuple):
    """Bytes of the model's file, and those of the codes of each role."""

    bytes: int
    coded: dict[str, float]


class Fitting:
    """Weighs the roles against each other, and makes files until one is just under the cap.

    Attributes:
        most: bytes that the model's file may have.
        rest: bytes of the file that are not codes.
        ratios: coded bytes over the entropy that a ladder foretells, by role.
        free: the finest rungs of all fit.
    """

    def __init__(self, context: Context, trial: Trial, cap: int) -> None:
        self.context, self.trial, self.cap = context, trial, cap
        self.packing = quantize.packing_of(trial.config)
        self.ladders = trial.ladders()
        self.files: dict[tuple[Rung, ...], File] = {}
        self._leave_code({role: ladder[-1] for role, ladder in self.ladders.items()})
        self.rest: float = trial.fp16_bytes()
        self.ratios = dict.fromkeys(self.ladders, 1.0)
        self.free = False
        self._learn_together(even_rungs(self.ladders, self.ratios, self.most - self.rest))
        even = even_rungs(self.ladders, self.ratios, self.most - self.rest)
        self.probes = trial.probe(self.ladders, rungs_around(self.ladders, even))

    def choose(self) -> Grids:
        """Return a rung for each role."""
        grids = self._allot()
        self._leave_code(grids)
        for _ in range(CORRECTIONS):
            if abs(self._learn(grids).bytes / self.most - 1) < NEAR:
                break
            grids = self._allot()
        finest = all(rung.step <= self.ladders[n][0].step for n, rung in grids.items())
        self.free = finest and self._file(grids).bytes <= self.most
        if self.free:
            return grids
        slope = sum(self.ratios[n] * bytes_per_octave(self.ladders[n], r) for n, r in grids.items())
        octaves = land(lambda at: self._file(moved(grids, at)).bytes, self.most, slope)
        return moved(grids, octaves)

    def tell(self, grids: Grids, tensors: Tensors) -> dict[str, Any]:
        """Return what was chosen, and what it costs on the windows."""
        roles, file = [], self._file(grids)
        for role, rung in grids.items():
            own = {n: tensors[n] for n in self.trial.of_role(role)}
            roles.append({
                "role": role, "bits": rung.bits, "clip_sigmas": rung.clip,
                "weights": sum(w.numel() for w in self.trial.of_role(role).values()),
                "coded_bytes": round(file.coded[role]), "loss_nats": self.trial.cost(own)[0],
                "probes": [
                    {"step_sigmas": self.ladders[role][p.rung].step, "loss_nats": p.loss,
                     "unsure_nats": p.unsure} for p in self.probes[role]
                ],
            })  # fmt: skip
        loss, unsure = self.trial.cost(tensors)
        return {
            "cap": self.cap, "free": self.free, "settings": settings_of(grids), "roles": roles,
            "windows": len(self.trial.plain), "plain_nats": float(self.trial.plain.mean()),
            "loss_nats": loss, "unsure_nats": unsure,
        }  # fmt: skip

    def _allot(self) -> Grids:
        curves = [
            curve(ladder, self.probes[role], self.ratios[role])
            for role, ladder in self.ladders.items()
        ]
        places = allot(curves, self.most - self.rest)
        return {n: self.ladders[n][i] for n, i in zip(self.ladders, places, strict=True)}

    def _learn_together(self, places: Mapping[str, int]) -> None:
        """Make a first file; all processes learn from it what roles really take."""
        world = self.context.world
        found = torch.zeros(len(places) + 1, dtype=torch.float64, device=world.device)
        if world.leads:
            self._learn({role: self.ladders[role][i] for role, i in places.items()})
            found = found.new_tensor([self.rest, *self.ratios.values()])
        self.rest, *ratios = world.sum(found).tolist()
        self.ratios = dict(zip(self.ladders, ratios, strict=True))

    def _learn(self, grids: Grids) -> File:
        """Make a file of rungs as the ladders have them, and correct what they foretell."""
        file = self._file(grids)
        self.rest = file.bytes - sum(file.coded.values())
        self.ratios = {n: file.coded[n] / max(r.coded, 1.0) for n, r in grids.items()}
        return file

    def _file(self, grids: Grids) -> File:
        known = tuple(grids.values())
        if known not in self.files:
            self.context.progress(len(self.files), len(self.files) + 1, "making files to fit")
            tensors = self.trial.rounded(grids)
            packed = pack_artifact(quantize.artifact_of(self.context, tensors), self.packing)
            coded = dict.fromkeys(grids, 0.0)
            for kind, line in bytes_by_kind(packed, tensors, self.packing).items():
                role = self.trial.role_of.get(kind, "")
                if role in coded:
                    coded[role] += line["coded_bytes"]
            self.files[known] = File(len(packed), coded)
        return self.files[known]

    def _leave_code(self, grids: Grids) -> None:
        """Leave room for the script, which will have other numbers in it in the end."""
        spec = fitted_spec(self.context.node.spec, settings_of(grids))
        self.most = self.cap - SPARE - code_bytes(self.context.training, spec)


def moved(grids: Grids, octaves: float) -> Grids:
    """Return the rungs with all steps times 2^octaves."""
    return {role: scaled(rung, octaves) for role, rung in grids.items()}
