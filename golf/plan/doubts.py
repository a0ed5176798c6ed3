"""Settings that are legal and yet hardly meant: they ask for more than a run or its text has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from golf.config.datasets import CORPORA
from golf.config.knob import Scale, Stage
from golf.config.pauses import pauses
from golf.config.schema import KNOBS, is_relevant
from golf.config.values import format_value, listed
from golf.plan.row import Row, Rows

STRETCHES = tuple(
    k for k in KNOBS.values()
    if k.stage is Stage.TRAIN and k.scale is Scale.STEPS and k.exclusive != "budget"
)  # fmt: skip


def doubts(rows: Rows) -> Iterator[str]:
    """Yield a line for each knob that counts more steps or text than a row has.

    Published settings do that where they are run for a short time or on a short text, so it is no
    mistake. With a budget in seconds the steps are not known, and nothing is said of them.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows.rows:
        for one in (row, *row.also.values()):
            for text in (*_long_stretches(one), *_idle_adaptation(one)):
                found[text][row.name] = None
    for text, names in found.items():
        yield f"warning: {text}: {listed([*names])}"


def _long_stretches(row: Row) -> Iterator[str]:
    """Yield knobs that count more steps than the row's budget has."""
    steps = row.values["train.steps"]
    if not isinstance(steps, int):
        return
    for knob in STRETCHES:
        value = row.values[knob.name]
        if isinstance(value, int) and value > steps and is_relevant(knob, row.values):
            yield f"{knob.name} {value} is longer than a run of {steps} steps"


def _idle_adaptation(row: Row) -> Iterator[str]:
    """Yield what keeps test-time training from learning, as far as the text is known."""
    values = row.values
    chunk, most = values["ttt.chunk_tokens"], values["eval.max_tokens"]
    assert isinstance(chunk, int)
    if values["ttt.method"] == "sgd" and isinstance(most, int) and most <= chunk:
        yield f"one chunk of ttt.chunk_tokens {chunk} holds all {most} targets: nothing is learned"
    number, prefix = values["ttt.phases"], values["ttt.prefix_docs"]
    assert isinstance(number, int)
    assert prefix is None or isinstance(prefix, int)
    corpus = CORPORA.get(str(values["data.dataset"]))
    if values["ttt.method"] != "lora" or corpus is None:
        return
    due = len(pauses(number, prefix, corpus.val_documents))
    if due < number:
        come = f"at most {due} of {number} pauses come" if due else "no pause comes"
        yield (
            f"with ttt.prefix_docs {format_value(prefix)} {come} in the {corpus.val_documents} "
            f"validation documents of {corpus.name}"
        )
