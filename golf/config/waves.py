"""The section ``waves``: which rows wait for which result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from golf.config.matrix import BASELINE, RowDraft, Wave, WinnerRule
from golf.config.nodes import Items, Node
from golf.config.points import PointReader
from golf.config.rows import ABOUT_WORDS
from golf.errors import did_you_mean

MEASURES = ("pre", "post", "ttt")
RULE_WORDS = ("by", "margin")
WAVE_WORDS = ("name", "rows", "baseline", "adopt", "combine", "of", *RULE_WORDS, *ABOUT_WORDS)


class WaveReader(PointReader):
    """Reads ``waves`` and checks that every winner can be reached."""

    def waves(self, node: Node) -> tuple[Wave, ...]:
        if not isinstance(node, Items):
            self.add(node.where, "waves are a list", "for example - rows: [wide, deep]")
            return ()
        found: list[Wave] = []
        for number, item in enumerate(node.items, 1):
            wave = self._wave(number, item, tuple(w.name for w in found))
            found += [wave] if wave else []
        return tuple(found)

    def _wave(self, number: int, node: Node, before: tuple[str, ...]) -> Wave | None:
        already = len(self.problems)
        entries = {str(k.value): v for k, v in self.entries(node, WAVE_WORDS, "word of a wave")}
        base, rule = self._base(entries)
        about = self.about({w: v for w, v in entries.items() if w in ABOUT_WORDS})
        chosen: dict[str, Any] = {"winner_of": base, "rule": rule, "about": about}
        if "name" in entries:
            chosen["name"] = self.word(entries["name"]) or ""
        if "rows" in entries:
            chosen["rows"] = self.words(entries["rows"])
        if "adopt" in entries:
            chosen["greedy"] = bool(self.choice(("if_better",))(entries["adopt"]))
        if "combine" in entries:
            self.choice(("winners",))(entries["combine"])
            chosen["combine"] = self.words(entries["of"]) if "of" in entries else before
        if "combine" in entries and {"rows", "adopt", "baseline"} & entries.keys():
            self.add(node.where, "a wave that combines has no rows of its own", "write two waves")
        elif len(self.problems) == already and not {"combine", "rows"} & entries.keys():
            self.add(node.where, "a wave has rows, or combines winners")
        if len(self.problems) > already:
            return None
        default = "winners" if "combine" in entries else str(number)
        return Wave(**{"name": default, "where": node.where, **chosen})

    def _base(self, entries: dict[str, Node]) -> tuple[str, WinnerRule]:
        """Read what the rows start from, and the rule that stands there or in the wave."""
        words, base = dict(entries), ""
        if "baseline" in entries:
            allowed = ("winner_of", *RULE_WORDS)
            inner = self.entries(entries["baseline"], allowed, "word of a wave's baseline")
            words |= {str(k.value): v for k, v in inner}
            base = self.word(words["winner_of"]) or "" if "winner_of" in words else ""
            if not base:
                self.add(entries["baseline"].where, "a wave's baseline names a winner",
                         "baseline: {winner_of: WAVE or FILE.yaml}")  # fmt: skip
        by = self.choice(MEASURES)(words["by"]) if "by" in words else ""
        margin = self.share(words["margin"], "margin", 10.0) if "margin" in words else None
        return base, WinnerRule(by or "", margin)

    def check_waves(self, waves: tuple[Wave, ...], drafts: tuple[RowDraft, ...], base: str) -> None:
        """Report rows that are not there or in two waves, and winners that cannot be reached.

        ``base`` is what the file calls the baseline.
        """
        rows = {d.name: d for d in drafts}
        names: list[str] = []
        home: dict[str, int] = {}
        for i, wave in enumerate(waves):
            if wave.name in (*names, *rows, BASELINE, base):
                self.add(wave.where, f"there is already a wave or row {wave.name!r}", "rename it")
            if not wave.combine and not wave.rows:
                self.add(wave.where, f"wave {wave.name!r} combines nothing: it is the first one")
            self._check_members(wave, rows, home)
            home |= {name: i for name in wave.rows if name not in home}
            for other in (*wave.combine, *_own_wave(wave)):
                self._check_reach(wave, other, names, [w.name for w in waves])
            names.append(wave.name)
        for name, i in home.items():
            self._check_parents(waves[i], name, rows, home)

    def _check_members(self, wave: Wave, rows: dict[str, RowDraft], home: dict[str, int]) -> None:
        for name in wave.rows:
            if name not in rows and name not in self.unsound:
                hint = did_you_mean(name, rows) or "its rows are those of this file"
                self.add(wave.where, f"wave {wave.name!r} names an unknown row {name!r}", hint)
            elif name in home or wave.rows.count(name) > 1:
                self.add(wave.where, f"row {name!r} is listed in the waves twice")

    def _check_reach(
        self, wave: Wave, other: str, before: Iterable[str], all_names: list[str]
    ) -> None:
        if other in before:
            return
        if other == wave.name:
            hint = "name a wave before it, or a matrix file (.yaml)"
            self.add(wave.where, f"wave {other!r} waits for itself", hint)
            return
        later = other in all_names
        what = "comes later, so that its winner is never known here" if later else "is not there"
        hint = did_you_mean(other, before) or "a wave before this one, or a matrix file (.yaml)"
        self.add(wave.where, f"wave {wave.name!r} waits for wave {other!r}, which {what}", hint)

    def _check_parents(
        self, wave: Wave, name: str, rows: dict[str, RowDraft], home: dict[str, int]
    ) -> None:
        parent = rows[name].parent if name in rows else BASELINE
        above, outside = parent, False
        while above in rows:
            outside = outside or above not in home
            if home.get(above, -1) > home[name] - outside:
                what = f"row {name!r} builds on {above!r}, which is known after it only"
                self.add(rows[name].where, what, f"move row {name!r} to a wave after it")
                break
            above = rows[above].parent
        if wave.greedy and parent != BASELINE:
            what = f"row {name!r} has a parent, but in wave {wave.name!r} it starts from the best"
            self.add(rows[name].where, what, "drop `parent:`")


def _own_wave(wave: Wave) -> tuple[str, ...]:
    is_file = wave.winner_of.endswith((".yaml", ".yml"))
    return (wave.winner_of,) if wave.winner_of and not is_file else ()
