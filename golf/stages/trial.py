"""What rounding costs: the model reads the same windows with some of its weights rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from golf.config.fitted import ROLES
from golf.config.schema.quant import QuantConfig
from golf.data.loaders.batch import Batch
from golf.model.gpt import GPT
from golf.model.roles import roles_of
from golf.quant.entry import kind_of
from golf.quant.fit import Probe, Rung, rungs_of
from golf.quant.grid import Codes
from golf.quant.quantize import Tensors, quantize_weights
from golf.quant.rotate import rotate_columns
from golf.stages.calibrate import window_loader, windows_in
from golf.stages.context import Context
from golf.stages.scoring import BATCH_TOKENS

SMALL = 0.05  # squared error over squared weights


class Trial:
    """Rounds weights by role and measures the loss on windows of the training split.

    Attributes:
        config: the knobs, with nothing left to choose but bits and clips.
        role_of: the role of each kind of tensor.
        plain: mean loss of each window without any rounding, (windows,) nats per token.
    """

    def __init__(
        self, context: Context, model: GPT, config: QuantConfig, hessians: dict[str, Tensor]
    ) -> None:
        self.context, self.model, self.hessians = context, model, hessians
        self.config = replace(config, fit_bytes=None)
        self.weights = {n: p.detach().float().cpu() for n, p in model.named_parameters()}
        self.weights = {n: w.clone() for n, w in self.weights.items()}
        self.buckets = {name: role.bucket for name, role in roles_of(model).items()}
        self.role_of = {kind_of(name): bucket for name, bucket in self.buckets.items()}
        self.windows = unread_windows(context, config)
        self.plain = self.nats({})

    def of_role(self, *roles: str) -> dict[str, Tensor]:
        """Return the weights of some roles by name."""
        return {n: w for n, w in self.weights.items() if self.buckets[n] in roles}

    def ladders(self) -> dict[str, list[Rung]]:
        """Return the settings of every role that the model has."""
        found = {}
        for role in ROLES:
            matrices = list(self.of_role(role).values())
            if self.config.rotate:
                matrices = [rotate_columns(m) for m in matrices]
            if matrices:
                found[role] = rungs_of(matrices, self.config.scale_floor)
        return found

    def rounded(self, grids: Mapping[str, Rung]) -> Tensors:
        """Return all tensors as an artifact has them, each role on its grid."""
        return self._quantize(self.weights, grids, self.config)

    def fp16_bytes(self) -> int:
        """Return the bytes of scales and of what is stored as it is, before compression."""
        chosen = self.of_role(*ROLES)
        scales = sum(len(w) for w in chosen.values())
        return 2 * (scales + sum(w.numel() for n, w in self.weights.items() if n not in chosen))

    def _quantize(
        self, weights: Mapping[str, Tensor], grids: Mapping[str, Rung], config: QuantConfig
    ) -> Tensors:
        bits = {f"{role}_bits": rung.bits for role, rung in grids.items()}
        clips = {f"{role}_clip_sigmas": rung.clip for role, rung in grids.items()}
        config = replace(config, **bits, **clips)  # type: ignore[arg-type]
        with torch.inference_mode():
            return quantize_weights(weights, self.buckets, config, self.hessians)

    def probe(
        self, ladders: Mapping[str, Sequence[Rung]], places: Mapping[str, Sequence[int]]
    ) -> dict[str, list[Probe]]:
        """Return what it costs to round one role alone, at some rungs of each.

        Processes take turns; all know everything in the end. Repairs are left out: which
        tensors get one is known only when all are rounded. Where the error is small, the loss is
        the mean of two: with the error, and with its opposite. That cancels the slope of the loss
        along this very error, which is luck, and leaves the curvature, which is what more error
        of this size costs.
        """
        world, config = self.context.world, replace(self.config, lqer=False)
        jobs = [(role, place) for role in ladders for place in places[role]]
        found = torch.zeros(len(jobs), 2, dtype=torch.float64, device=world.device)
        for number, (role, place) in enumerate(jobs):
            self.context.progress(number, len(jobs), "measuring what rounding costs")
            if number % world.size == world.rank:
                grids = {role: ladders[role][place]}
                tensors = self._quantize(self.of_role(role), grids, config)
                sides = [tensors, *([self._mirrored(tensors)] if grids[role].error < SMALL else [])]
                found[number] = torch.tensor(self.cost(*sides))
        made: dict[str, list[Probe]] = {role: [] for role in ladders}
        for (role, place), (loss, unsure) in zip(jobs, world.sum(found).tolist(), strict=True):
            made[role].append(Probe(place, loss, unsure))
        return made

    def _mirrored(self, tensors: Tensors) -> Tensors:
        """Return the weights with the opposite error."""
        return {n: 2 * self.weights[n] - _back(t) for n, t in tensors.items()}

    def cost(self, *sides: Tensors) -> tuple[float, float]:
        """Return the nats per token by which these tensors raise the loss, and how sure that is.

        Of several sets of tensors, the mean.
        """
        more = torch.stack([self.nats(tensors) for tensors in sides]).mean(0) - self.plain
        unsure = float(more.std() / len(more) ** 0.5) if len(more) > 1 else 0.0
        return float(more.mean()), unsure

    def nats(self, tensors: Tensors) -> Tensor:
        """Return the mean loss of each window with these tensors in place of the weights."""
        parameters = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, tensor in tensors.items():
                parameters[name].copy_(_back(tensor))
            rows = [self.model(*b.to(self.context.world.device)) for b in self.windows]
            for name in tensors:
                parameters[name].copy_(self.weights[name])
        return torch.cat([r.double().mean(1).cpu() for r in rows])


def _back(tensor: Codes | Tensor) -> Tensor:
    return tensor.dequantize() if isinstance(tensor, Codes) else tensor


def unread_windows(context: Context, config: QuantConfig) -> list[Batch]:
    """Return ``fit_tokens`` of the training split that calibration does not read.

    Where the split is too short for that, it begins again.
    """
    length: int = context.training["train.seq_len"]
    loader = window_loader(context, config, 1)
    read = config.method == "gptq" and config.calib_source == "train"
    first = config.calib_batches * windows_in(config.calib_tokens, length) if read else 0
    numbers = range(first, first + windows_in(config.fit_tokens, length))
    windows = [batch for n in numbers for batch in loader.micro_batches(n)]
    each = max(1, BATCH_TOKENS[context.world.device.type] // length)
    groups = [windows[i : i + each] for i in range(0, len(windows), each)]
    return [
        Batch(torch.cat([b.inputs for b in group]), torch.cat([b.targets for b in group]))
        for group in groups
    ]
