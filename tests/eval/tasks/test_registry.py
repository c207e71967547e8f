"""What the tasks' YAML files say, and that each can be loaded."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import lvqa.eval.tasks
from lvqa.errors import UsageError
from lvqa.eval.tasks.registry import load, loader_of, read_task, task, tasks
from lvqa.prompts import Prompt

NAMES = [
    "egoschema",
    "hourvideo",
    "intentqa",
    "longvideobench",
    "lv-haystack",
    "lvbench",
    "mlvu",
    "nextgqa",
    "nextqa",
    "videomme",
    "videomme-subs",
]


def test_every_benchmark_has_a_task():
    assert set(NAMES) <= {found.name for found in tasks()}


@pytest.mark.parametrize("name", NAMES)
def test_a_task_says_what_it_is(name):
    found = task(name)
    assert found.version >= 1
    assert callable(loader_of(found))
    assert found.source.startswith("https://")
    assert all(found.files.values())
    assert Prompt.of(found.name, found.prompt).fill(question="why {{not}}?") == "why {{not}}?"


def test_only_the_task_without_subtitles_leaves_speech_out():
    assert [found.name for found in tasks() if "speech" not in found.sources] == ["videomme"]


def test_yaml_files_are_packaged():
    text = Path(lvqa.eval.tasks.__file__).resolve().parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["tool"]["setuptools"]["package-data"]["lvqa.eval.tasks"] == ["*.yaml"]


def test_unknown_task_names_those_there_are():
    with pytest.raises(UsageError, match=r"no task 'nextq'.*egoschema.*videomme-subs"):
        task("nextq")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("version: 0", "version"),
        ("scorer: mean", "scorer"),
        ("prompt: '{{question}} {{options}}'", "one hole"),
        ("sources: [rumour]", "sources"),
        ("colour: red", "colour"),
        ("name: other", "called like its file"),
    ],
)
def test_wrong_yaml_is_refused(tmp_path, change, problem):
    path = tmp_path / "mine.yaml"
    lines = {
        "name": "name: mine",
        "title": "title: Mine",
        "version": "version: 1",
        "paper": "paper: '1'",
        "source": "source: here",
        "loader": "loader: lvqa.eval.tasks.nextqa:load",
        "scorer": "scorer: choice",
        "files": "files: {a.csv: questions}",
    }
    path.write_text("\n".join(lines.values()), encoding="utf-8")
    assert read_task(path).title == "Mine"
    path.write_text("\n".join({**lines, change.partition(":")[0]: change}.values()), encoding="utf-8")
    with pytest.raises(UsageError, match=problem):
        read_task(path)


def test_a_loader_that_is_not_there_is_named():
    wrong = task("nextqa").model_copy(update={"loader": "lvqa.eval.tasks.nextqa:lead"})
    with pytest.raises(UsageError, match="nextqa:lead"):
        loader_of(wrong)


def test_data_is_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"no folder.*EgoSchema"):
        load(task("egoschema"), tmp_path / "missing")


@pytest.mark.parametrize("name", NAMES)
def test_missing_annotations_are_named_with_where_they_come_from(tmp_path, name):
    (tmp_path / "videos").mkdir()
    found = task(name)
    with pytest.raises(UsageError) as error:
        load(found, tmp_path)
    first = next(iter(found.files))
    assert first in str(error.value)
    assert found.files[first] in str(error.value)
    assert found.source in str(error.value)
