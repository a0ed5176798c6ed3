"""Included files, anchors, and files that grow without end."""

from __future__ import annotations

from pathlib import Path

from tests.config.loading import load, mistakes, values


def test_an_included_file_lies_under_the_file_that_includes_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "base.yaml").write_text(
        "preset: quickstart\nseeds: [1, 2]\nbudget: {steps: 50}\n"
        "baseline: {depth: 3, bits: 6}\nrows: {a: {depth: 2}}\nwhere: [depth < 9]\n"
    )
    (tmp_path / "parts" / "rows.yaml").write_text("rows: {b: {depth: 4}}\n")
    matrix = load(
        tmp_path,
        "name: mine\ninclude: [parts/base.yaml, parts/rows.yaml]\nbudget: {seconds: 5}\n"
        "baseline: {bits: 5}\nrows: {c: {parent: a, bits: 4}}\n",
    )
    assert (matrix.name, matrix.preset, matrix.seeds) == ("mine", "quickstart", (1, 2))
    assert values(matrix) == {"model.depth": 3, "quant.bits": 5, "train.seconds": 5.0}
    assert [d.name for d in matrix.drafts] == ["a", "b", "c"]
    assert len(matrix.where) == 1
    assert matrix.drafts[0].where == f"{tmp_path / 'parts' / 'base.yaml'}:5:8"


def test_words_of_an_included_file_stay_where_the_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "note: old\npriority: high\nbaseline: {name: plain, note: published, depth: 3}\n"
    )
    matrix = load(tmp_path, "include: base.yaml\nnote: new\nbaseline: {why: again}\n")
    about, base = matrix.about, matrix.baseline_about
    assert (about.note, about.priority) == ("new", "high")
    assert (base.name, base.note, base.why) == ("plain", "published", "again")


def test_a_mistake_in_an_included_file_is_told_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("rows: {a: {depht: 2}}\n")
    (problem,) = mistakes(tmp_path, "include: base.yaml\n")
    assert problem.where == f"{tmp_path / 'base.yaml'}:1:12"


def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("include: m.yaml\n")
    (problem,) = mistakes(tmp_path, "include: other.yaml\n")
    assert (problem.where, problem.what) == (
        f"{tmp_path / 'other.yaml'}:1:10", "m.yaml includes itself in the end",
    )  # fmt: skip


def test_files_that_include_ever_more_files_are_refused(tmp_path: Path) -> None:
    for i in range(20):
        (tmp_path / f"{i}.yaml").write_text(f"include: [{i + 1}.yaml, {i + 1}.yaml]\n")
    (tmp_path / "20.yaml").write_text("note: the last\n")
    assert mistakes(tmp_path, "include: 0.yaml\n")[0].what == "more than 100 files are included"


def test_a_file_that_is_too_long_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "#" * 10_000_001)
    assert problem.what == "longer than 10,000,000 characters"
    (problem,) = mistakes(tmp_path, "x: [" + "1," * 500_000 + "]")
    assert problem.what == "more than 500,000 values"


def test_a_file_that_is_nested_without_end_is_refused_before_the_parser_falls(
    tmp_path: Path,
) -> None:
    for text in ("[" * 300_000, "rows: " + "[" * 60 + "]" * 60, "- " * 9_000 + "a"):
        (problem,) = mistakes(tmp_path, text)
        assert "nested more than 40 levels deep" in problem.what


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    found = mistakes(tmp_path, "\n".join(lines))
    assert "more than 500,000 values" in found[0].what


def test_a_yaml_anchor_repeats_its_settings(tmp_path: Path) -> None:
    matrix = load(tmp_path, "rows:\n  a: &x {depth: 2}\n  b: *x\n")
    assert values(matrix, "a") == values(matrix, "b") == {"model.depth": 2}
