"""A log file to lines worth reading: no source code, no colours, no prefixes."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path

from golf.errors import fail

RULE = re.compile(r"={20,}\s*$")
SOURCE = re.compile(
    r"(?:import \w|from [\w.]+ import |(?:async )?def \w+\(|class \w+[(:]|@\w|if __name__ ==)"
)
MAIN = re.compile(r"if __name__ == ")
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PREFIX = re.compile(
    r"^(?:\[?(?:default|rank|local_rank)\s?\d+\]?[:|]?\s*"
    r"|\d{1,4}: (?=[A-Za-z\[{])|(?:INFO|DEBUG|WARNING):[\w.]+:\s?"
    r"|\[?\d{4}-\d\d-\d\d[T ][\d:.,]+Z?\]?\s*(?:[-|:]\s*)?"
    r"(?:\[?(?:INFO|DEBUG|WARNING)\]?\s*[-|:]?\s*)?|\[\d\d:\d\d:\d\d[\d.,]*\]\s*)+"
)
# Names under which scripts that log JSON keep the step, its total, and what a line is about.
STEPS, TOTALS = ("step", "iter", "iteration"), ("total", "total_steps", "num_steps", "iterations")
LABELS = ("event", "label", "name", "stage", "phase", "type", "split", "tag")
OF_THE_TRAINING = {"step", "log", "train", "training", "val", "valid", "validation", "eval"}
# A number that a line breaks off in, or in the unit behind it, which may be one of mega.
BROKEN_NUMBER = re.compile(r"(?<![\d.,])\d[\d.,]*(?:e[-+]?\d*)?(?:\s*[kmg][a-z]{0,6})?\Z", re.I)
SOURCE_LINES = 4  # lines that only a program has, before a section counts as one


def read_text(path: Path, wanted: str = "a log is what a training printed") -> str:
    """Return the text of a file; bytes that are not UTF-8 are replaced.

    Args:
        path: the file.
        wanted: what to say where it is no text.

    Raises:
        GolfError: it cannot be read, or is no text.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise fail(f"cannot be read: {error.strerror}", "", str(path)) from None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise fail("this text is UTF-16", "save it as UTF-8", str(path))
    if b"\0" in raw[:4096]:
        raise fail("not a text file", wanted, str(path))
    return raw.decode("utf-8-sig", errors="replace")


def clean_lines(text: str) -> tuple[list[str], int]:
    """Return the lines of the log itself, and how many lines of source code were left out.

    Scripts print their own source before they start, between rules of ``=`` or without any. A
    number that the text breaks off in is left out too: the rest of its digits may be missing.
    """
    *ended, last = re.split(r"\r\n|\n|\r", text)
    raw = (*ended, BROKEN_NUMBER.sub("", last))
    bare = (PREFIX.sub("", COLOUR.sub("", x), count=1) for x in raw)
    lines = [_in_words(x) if x.startswith("{") else x for x in bare]
    sections: list[list[str]] = [[]]
    for line in lines:
        if RULE.match(line):
            sections.append([])
        else:
            sections[-1].append(line)
    last_main = max((i for i, s in enumerate(sections) if any(map(MAIN.match, s))), default=-1)
    kept: list[str] = []
    inside = False
    for i, section in enumerate(sections):
        is_source = sum(bool(SOURCE.match(line)) for line in section) >= SOURCE_LINES
        inside = (inside or is_source) and i < last_main
        kept += [] if inside else _without_source(section)
    return kept, sum(map(len, sections)) - len(kept)


def _in_words(line: str) -> str:
    """Return a line of JSON as the line of words that says the same; numbers stay as printed."""
    try:
        found = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return line
    told = {name: x for name, x in found.items() if isinstance(x, str) and "\n" not in x}
    label = " ".join(told.pop(name) for name in LABELS if name in told)
    step = next((told.pop(name) for name in STEPS if name in told), "")
    if step and set(label.lower().split()) <= OF_THE_TRAINING:
        total = next((told.pop(name) for name in TOTALS if name in told), "")
        label = f"step:{step}/{total}" if total else f"step:{step}"
    return " ".join([label, *(f"{name}:{x}" for name, x in told.items())])


def _without_source(section: list[str]) -> list[str]:
    hits = [i for i, line in enumerate(section) if SOURCE.match(line)]
    if len(hits) < SOURCE_LINES and not any(MAIN.match(section[i]) for i in hits):
        return section
    end = len(section)
    mains = [i for i in hits if MAIN.match(section[i])]
    if mains:
        end = mains[-1] + 1
        while end < len(section) and (section[end][:1] in (" ", "\t") or not section[end].strip()):
            end += 1
    start = hits[0]
    while start and not section[start - 1].startswith(("step", "seed", "model_params")):
        start -= 1
    return section[:start] + section[end:]
