"""The proofs that a score is legal, run on samples of the real text with the real method.

(a) context: no token's distribution changes when the token itself and everything that its
score may not depend on is replaced by noise: all that is scored later, and for methods that
keep documents apart every other document. (b) score first: training draws only from targets
that have their score, as the gradient of each logit shows. (c) every score belongs to
probabilities that sum to one. (d) every target is scored once. Control tokens stay, since document
boundaries are given.
Source: the rules of parameter-golf's issue 1017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from golf.config.tokens import BOS, CONTROL_TOKENS
from golf.data.validation import Batch, Row, ValidationStream
from golf.stages.scoring import Scorer, ScoreSheet
from golf.stages.world import World

PIECES, LEAST_TARGETS, WATCHED = 12, 4096, 3
MASS_TOLERANCE = 1e-3
CHANGE_TOLERANCE = {"cpu": 1e-4, "cuda": 1e-2}  # nats; a GPU may add in another order


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        context, score_first, sums_to_one, once: whether (a) to (d) hold.
        by_document: whether (a) covered the other documents too.
        largest_change: of a log probability under noise, in nats.
        largest_mass_error: by how much probabilities fail to sum to one.
        targets: targets of the sample.
        places: places whose whole distribution was compared.
    """

    context: bool
    score_first: bool
    sums_to_one: bool
    once: bool
    by_document: bool
    largest_change: float
    largest_mass_error: float
    targets: int
    places: int

    @property
    def passed(self) -> bool:
        return self.context and self.score_first and self.sums_to_one and self.once

    def as_fact(self) -> dict[str, Any]:
        """Return what a result keeps."""
        return {"passed": self.passed, **asdict(self)}


class AuditSheet(ScoreSheet):
    """Notes violations instead of stopping, and keeps whole distributions at some places."""

    def __init__(self, stream: ValidationStream, world: World, watched: list[int]) -> None:
        super().__init__(stream.targets, world)
        self.targets, self.watched = stream.tokens[1:], torch.tensor(watched)
        self.call = torch.full((stream.targets,), -1)
        self.calls, self.mass_error = 0, 0.0
        self.score_first = self.once = True
        self.distributions: dict[int, Tensor] = {}
        self.logits = self.read = torch.empty(0)

    @property
    def complete(self) -> bool:
        """Say whether every target has its one score."""
        return self.once and bool((self.times == 1).all())

    def take(self, batch: Batch) -> None:
        """Remember which targets the next forward pass is about."""
        self.read = batch.places

    def see(self, _head: nn.Module, _inputs: object, logits: Tensor) -> None:
        """Take the logits of a forward pass from the head, and their gradient when it comes."""
        self.logits = logits.detach()
        if logits.requires_grad:
            logits.register_hook(partial(self.teach, self.read))

    def teach(self, places: Tensor, gradient: Tensor) -> None:
        """Note whether a gradient, (B, S, V), comes from a target without a score."""
        taught = gradient.ne(0).any(-1).cpu()
        known = taught.shape == places.shape and bool((places[taught] >= 0).all())
        if not known or not self.times.cpu()[places[taught]].all():
            self.score_first = False

    def add(self, nll: Tensor, places: Tensor) -> None:
        """Note when targets are scored, and the distributions at watched places."""
        try:
            super().add(nll, places)
        except ArithmeticError:
            self.once = False
        self.call[places[places >= 0].cpu()] = self.calls
        self.calls += 1
        for row, column in torch.isin(places.cpu(), self.watched).nonzero().tolist():
            place = int(places[row, column])
            log_p = self.logits[row, column].double().cpu().log_softmax(0)
            self.distributions[place] = log_p
            mass = math.exp(-float(nll.detach()[row, column]) - float(log_p[self.targets[place]]))
            self.mass_error = max(self.mass_error, abs(mass - 1))

    def require_scored(self, places: Tensor, everywhere: bool = True) -> None:
        """Note whether something is learned from before it is scored."""
        try:
            super().require_scored(places, everywhere)
        except ArithmeticError:
            self.score_first = False


@dataclass(frozen=True)
class WatchedStream(ValidationStream):
    """A stream that tells which targets each batch holds."""

    take: Callable[[Batch], None] = field(kw_only=True)

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Return rows of one shape as tensors."""
        made = super().batch(rows)
        self.take(made)
        return made


def audit(make: Callable[[World], Scorer], stream: ValidationStream, device: torch.device) -> Audit:
    """Run a method on ``stream`` as it is and with noise, and compare.

    Args:
        make: returns the method in its first state, on a model that is not compiled.
        stream: some text, from ``sample_of``.
        device: where the model lives.
    """
    world, watched = World(0, 1, device), _watched(stream)
    scorer = make(world)
    calm = _run(scorer, stream, AuditSheet(stream, world, watched))
    change, complete = 0.0, calm.complete
    for cut in watched:
        scorer = make(world)
        known = _may_know(stream, cut, calm.call, scorer.by_document)
        noisy = _with_noise(stream, known, scorer.model.embed_VC.size(0), seed=cut)
        upset = _run(scorer, noisy, AuditSheet(noisy, world, watched))
        complete &= upset.complete
        for place in [p for p in watched if p == cut or known[p]]:
            if place in calm.distributions and place in upset.distributions:
                difference = upset.distributions[place] - calm.distributions[place]
                change = max(change, float(difference.abs().max()))
    return Audit(
        context=change <= CHANGE_TOLERANCE[device.type],
        score_first=calm.score_first,
        sums_to_one=calm.mass_error <= MASS_TOLERANCE,
        once=complete,
        by_document=scorer.by_document,
        largest_change=change,
        largest_mass_error=calm.mass_error,
        targets=stream.targets,
        places=len(watched),
    )


def sample_of(stream: ValidationStream, length: int) -> ValidationStream:
    """Return pieces from all over the stream, each a document: long ones and some below a window.

    Args:
        stream: the whole text.
        length: inputs of a window.
    """
    long = max(LEAST_TARGETS, 4 * length) // 8
    sizes = [long if i % 3 else max(1, length // 3) for i in range(PIECES)]
    text = stream.tokens[stream.tokens >= CONTROL_TOKENS]
    bos, pieces = torch.tensor([BOS]), []
    for i, size in enumerate(sizes):
        start = i * max(0, len(text) - long) // PIECES
        pieces += [bos, text[start : start + size]]
    tokens = torch.cat([*pieces, bos])
    return ValidationStream(tokens, torch.zeros_like(tokens), whole=False)


def _watched(stream: ValidationStream) -> list[int]:
    """Return places to look at: where short documents begin, and some at random."""
    documents = stream.documents()
    shortest = sorted(documents, key=lambda d: d[1] - d[0])[:WATCHED]
    draw = torch.Generator().manual_seed(0)
    chance = torch.randint(0, stream.targets, (WATCHED,), generator=draw).tolist()
    return sorted({*chance, *(first for first, _ in shortest)})


def _run(scorer: Scorer, stream: ValidationStream, sheet: AuditSheet) -> AuditSheet:
    """Return the sheet with everything that the method scored."""
    hook = scorer.model.head.register_forward_hook(sheet.see)
    watched = WatchedStream(stream.tokens, stream.token_bytes, stream.whole, take=sheet.take)
    try:
        scorer.score(watched, sheet, lambda _step, _of: None)
    finally:
        hook.remove()
    return sheet


def _may_know(stream: ValidationStream, cut: int, call: Tensor, by_document: bool) -> Tensor:
    """Return the places whose tokens the score at ``cut`` may depend on."""
    places = torch.arange(stream.targets)
    if by_document:
        first = max(a for a, _ in stream.documents() if a <= cut)
        return (places >= first) & (places < cut)
    return (call < call[cut]) | ((call == call[cut]) & (places < cut))


def _with_noise(
    stream: ValidationStream, known: Tensor, vocab_size: int, seed: int
) -> ValidationStream:
    """Return the stream with all unknown tokens drawn at random; control tokens stay."""
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randint(CONTROL_TOKENS, vocab_size, stream.tokens.shape, generator=draw)
    kept = torch.cat([torch.tensor([True]), known]) | (stream.tokens < CONTROL_TOKENS)
    return replace(stream, tokens=torch.where(kept, stream.tokens, noise))
