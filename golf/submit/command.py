"""``golf submit`` as a user meets it: gather, check, run the script, write, rename."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path

from golf.errors import fail
from golf.files import write_json, write_text
from golf.freeze.script import BROTLI
from golf.frozen import Frozen
from golf.plan.ledger import Options, plan_as_run
from golf.plan.show import find_row
from golf.submit.against import Rival, parse_given, rival_of
from golf.submit.checks import Check, Status, checks_of
from golf.submit.entry import Entry, Signature, enter
from golf.submit.form import is_complete, submission, today, track_of
from golf.submit.log import write_logs
from golf.submit.readme import readme
from golf.submit.script import not_run, run_script

SIGNS = {Status.MET: "met", Status.NOT_MET: "NOT MET", Status.UNCHECKED: "not checked"}


class Wish(Frozen):
    """What a user asks for.

    Attributes:
        output: the folder to write; None for the challenge's place under ``records/``.
        against: text of ``--against``.
        run: whether the script is run before the folder counts as complete.
    """

    matrix: Path
    row: str
    options: Options
    seed: int | None = None
    output: Path | None = None
    signature: Signature = field(default_factory=Signature)
    against: str = ""
    run: bool = True


def submit(wish: Wish) -> int:
    """Write the record folder; return 0, or 1 when the script does not give its numbers.

    Raises:
        GolfError: what would make the folder worthless.
    """
    if wish.against:
        parse_given(wish.against)
    if wish.output is not None:
        _require_free(wish.output)
    entry = _entry(wish)
    rival = rival_of(entry, wish.against)
    checks = checks_of(entry, rival)
    place = wish.output or _place(entry, checks, wish.run)
    _require_free(place)
    with _appearing(place) as folder:
        script = folder / "train_gpt.py"
        script.write_bytes(entry.script)
        checks.append(run_script(entry, script, _tell) if wish.run else not_run())
        shutil.rmtree(folder / "runs", ignore_errors=True)
        _write(entry, rival, checks, folder)
    for check in checks:
        print(f"{SIGNS[check.status]:<12}{check.name}: {check.evidence}")
    print(f"wrote {os.path.relpath(place)}" + ("" if is_complete(checks) else " (incomplete)"))
    return 1 if wish.run and not is_complete(checks) else 0


def _entry(wish: Wish) -> Entry:
    plan, options = plan_as_run(wish.matrix, wish.options)
    row = find_row(plan, wish.row)
    given = wish.signature
    signature = Signature(given.author, given.github_id, given.name or row.name)
    return enter(plan, row, wish.seed, signature, options)


def _place(entry: Entry, checks: Sequence[Check], run: bool) -> Path:
    """Return where the challenge's repository would have it."""
    track = track_of(checks if run else [*checks, not_run()])
    slug = re.sub(r"[^\w.-]+", "-", entry.signature.name).strip("-.") or "row"
    return entry.plan.paths.root / "records" / track / f"{today()}_{slug}"


def _require_free(place: Path) -> None:
    if place.is_symlink() or place.resolve() in (Path.cwd(), *Path.cwd().parents):
        what = "a link, or the folder that golf works in, cannot become the record"
        raise fail(what, "give the name of a new folder", str(place))
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise fail("something is here already", "give another --output, or remove it", str(place))


@contextlib.contextmanager
def _appearing(place: Path) -> Iterator[Path]:
    """Yield a folder beside ``place`` that takes its place when the block ends."""
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = place.resolve().with_name(f".{place.resolve().name}.{os.getpid()}")
    folder.mkdir()
    try:
        yield folder
        folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(entry: Entry, rival: Rival | None, checks: Sequence[Check], folder: Path) -> None:
    write_logs(entry, folder)
    write_json(folder / "submission.json", submission(entry, rival, checks))
    write_text(folder / "requirements.txt", _requirements(entry))
    shutil.copyfile(entry.plan.rows.matrix.path, folder / "matrix.yaml")
    write_text(folder / "README.md", readme(entry, rival, checks))


def _requirements(entry: Entry) -> str:
    """Return what the script needs; torch in the version that the numbers were made with."""
    torch = str(entry.final(entry.frozen.seed).environment.get("torch", "")).partition("+")[0]
    pinned = f"torch=={torch}" if torch else "torch"
    needed = [f"brotli>={BROTLI}", "numpy", "sentencepiece", pinned]
    if entry.row.values["quant.compressor"] == "zstd":
        needed.append("zstandard")
    return "\n".join(needed) + "\n"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
