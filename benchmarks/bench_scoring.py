"""How fast is text scored in each geometry and by each method, against the naive form?

Naive: every window whole and in batches of equal shape, logits for all of its positions; for
documents one row each; for adapters one document at a time. Both forms run in turn, on random
weights, one thread; processor seconds of the best round count. The last column is the largest
difference between the scores of both, in nats; adapters of other lanes start from other draws.

Run: python benchmarks/bench_scoring.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from golf.config.geometry import Geometry, parse_geometry
from golf.config.machine import this_machine
from golf.config.schema.model import ModelConfig
from golf.config.schema.scoring import TTTConfig
from golf.data.tokenizer import BOS
from golf.data.validation import ValidationStream, Window
from golf.model.gpt import GPT, build_gpt
from golf.stages.chunks import ChunkSgd
from golf.stages.evaluate import Evaluation
from golf.stages.lora import DocumentLora
from golf.stages.scoring import BATCH_TOKENS, Scorer, ScoreSheet, Tell
from golf.stages.world import World

ALONE = World(0, 1, torch.device("cpu"))
VOCAB, LENGTH, ROUNDS = 1024, 512, 4
MODEL = ModelConfig(depth=4, model_dim=256, head_dim=64, n_kv_head=2, q_gain=1.5)
SGD = TTTConfig(method="sgd", chunk_tokens=2048, batch_tokens=2048, lr=0.001)
LORA = TTTConfig(method="lora", lora_rank=16, lora_chunk=48, lora_batch=16)


def model() -> GPT:
    """Return the reference model with random weights."""
    dtype = "bfloat16" if this_machine().cpu_bf16 else "float32"
    made, draw = build_gpt(MODEL, VOCAB, LENGTH, "tiles", dtype), torch.Generator().manual_seed(1)
    for p in made.parameters():
        p.data.normal_(0.0, 0.05, generator=draw)
    return made


def text(targets: int, document: int) -> ValidationStream:
    """Return random documents of about ``document`` tokens."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, VOCAB, (targets + 1,), generator=draw)
    tokens[torch.rand(targets + 1, generator=draw) < 1 / document] = BOS
    tokens[0] = BOS
    return ValidationStream(tokens, torch.ones_like(tokens))


class Naive:
    """Whole windows, all logits, nothing packed."""

    by_document = False

    def __init__(self, made: GPT, geometry: Geometry) -> None:
        self.model, self.geometry = made, geometry

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        """Score windows of one length together."""
        windows = stream.windows(self.geometry, LENGTH)
        each = BATCH_TOKENS["cpu"] // LENGTH
        by_length: dict[int, list[Window]] = {}
        for w in windows:
            by_length.setdefault(w.length, []).append(w)
        with torch.inference_mode():
            for same in by_length.values():
                for first in range(0, len(same), each):
                    self._some(stream, sheet, same[first : first + each])

    def _some(self, stream: ValidationStream, sheet: ScoreSheet, some: list[Window]) -> None:
        inputs = torch.stack([stream.tokens[w.start : w.end] for w in some])
        targets = torch.stack([stream.tokens[w.start + 1 : w.end + 1] for w in some])
        places = torch.stack([torch.arange(w.start, w.end) for w in some])
        for row, w in enumerate(some):
            places[row, : w.scored - w.start] = -1
        sheet.add(self.model(inputs, targets), places)


def evaluation(name: str) -> tuple[Callable[[], Scorer], Callable[[], Scorer]]:
    """Return golf's form and the naive one."""
    geometry = parse_geometry(name)
    assert geometry is not None
    return lambda: Evaluation(model(), geometry, LENGTH), lambda: Naive(model(), geometry)


def sgd() -> tuple[Callable[[], Scorer], Callable[[], Scorer]]:
    """Return score-first SGD with stride 64, and the same with a chunk's windows scored whole."""
    geometry = parse_geometry("sliding64")
    assert geometry is not None

    class NaiveChunks(ChunkSgd):
        def score_chunk(self, stream, chunk, sheet):
            whole = Naive(self.model, geometry)
            each = BATCH_TOKENS["cpu"] // LENGTH
            with torch.inference_mode():
                same = [w for w in chunk if w.length == chunk[0].length]
                rest = [w for w in chunk if w.length != chunk[0].length]
                for some in (same, rest):
                    for first in range(0, len(some), each):
                        whole._some(stream, sheet, some[first : first + each])

    def build(kind: type[ChunkSgd]) -> Callable[[], Scorer]:
        return lambda: kind(model(), geometry, LENGTH, SGD, ALONE)

    return build(ChunkSgd), build(NaiveChunks)


def lora() -> tuple[Callable[[], Scorer], Callable[[], Scorer]]:
    """Return adapters of 16 documents side by side, and one document at a time."""
    return (
        lambda: DocumentLora(model(), LENGTH, LORA, 7, ALONE),
        lambda: DocumentLora(model(), LENGTH, replace(LORA, lora_batch=1), 7, ALONE),
    )


def timed(make: Callable[[], Scorer], stream: ValidationStream) -> tuple[float, torch.Tensor]:
    """Return the seconds of one pass and its scores."""
    scorer, sheet = make(), ScoreSheet(stream.targets, ALONE)
    started = time.process_time()
    scorer.score(stream, sheet, lambda _step, _of: None)
    seconds = time.process_time() - started
    sheet.close()
    return seconds, sheet.nats


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    cases = {
        "chunked": (evaluation("chunked"), text(16384, 800)),
        "sliding64": (evaluation("sliding64"), text(4096, 800)),
        "documents": (evaluation("documents"), text(16384, 150)),
        "documents64": (evaluation("documents64"), text(4096, 800)),
        "TTT sgd, sliding64": (sgd(), text(4096, 800)),
        "TTT lora": (lora(), text(1536, 150)),
    }
    print(f"{this_machine().cpu_name}, torch {torch.__version__}, one thread\n")
    print("| what | naive, tokens/s | golf, tokens/s | golf / naive | difference, nats |")
    print("|:--|--:|--:|--:|--:|")
    for name, ((fast, slow), stream) in cases.items():
        best = {fast: float("inf"), slow: float("inf")}
        scores = {}
        for _ in range(ROUNDS):
            for form in best:
                seconds, scores[form] = timed(form, stream)
                best[form] = min(best[form], seconds)
        rates = {form: stream.targets / seconds for form, seconds in best.items()}
        difference = float((scores[fast] - scores[slow]).abs().max())
        shown = f"{rates[slow]:,.0f} | {rates[fast]:,.0f} | {rates[fast] / rates[slow]:.2f}"
        print(f"| {name} | {shown} | {difference:.1e} |", flush=True)


if __name__ == "__main__":
    main()
