from __future__ import annotations

import json
import re
from collections import Counter
from itertools import groupby, pairwise

import pytest

from lvqa.eval.lab.world.questions.make import (
    NOT_THERE,
    PER_TEN_MINUTES,
    TEMPLATES,
    TYPES,
    WorldQuestion,
    ask,
    to_jsonl,
)
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.lab.world.scenes.truth import FPS, VideoTruth
from lvqa.eval.lab.world.words import COLOURS, PLACES, SHAPES, SIGN
from lvqa.types import parse_time

Run = tuple[float, float]


class Watched:
    """A video watched frame by frame: what a patient viewer would write down, without a look at the events."""

    def __init__(self, video: VideoTruth) -> None:
        self.video = video
        self.frames = [video.things_at(k / FPS) for k in range(video.n_frames)]
        self.places: list[dict[str, str]] = [
            {f"{thing.colour} {thing.shape}": thing.place for thing in frame if thing.shape in SHAPES}
            for frame in self.frames
        ]
        self.cuts = [round(scene.start_s * FPS) for scene in video.scenes]

    def runs(self, name: str) -> list[Run]:
        """The stretches in which an object is seen."""
        found = []
        for seen, group in groupby(enumerate(self.places), key=lambda row: name in row[1]):
            numbers = [k for k, _ in group]
            if seen:
                found.append((numbers[0] / FPS, (numbers[-1] + 1) / FPS))
        return found

    def gaps(self, name: str) -> list[Run]:
        """The stretches of up to four seconds without an object that is there before and after, with no cut between."""
        runs = self.runs(name)
        return [
            (one[1], other[0])
            for one, other in pairwise(runs)
            if other[0] - one[1] <= 4 and not any(one[1] * FPS <= cut <= other[0] * FPS for cut in self.cuts)
        ]

    def dyes(self, name: str) -> list[tuple[Run, str]]:
        """The gaps in which an object of the same shape is in the same place, and its colour."""
        colour, shape = name.split()
        found = []
        for start_s, end_s in self.gaps(name):
            place = self.places[round(start_s * FPS) - 1][name]
            for other in COLOURS:
                if other != colour and all(
                    self.places[k].get(f"{other} {shape}") == place
                    for k in range(round(start_s * FPS), round(end_s * FPS))
                ):
                    found.append(((start_s, end_s), other))
        return found

    def moves(self, name: str) -> list[str]:
        """The places that an object comes to from another, with no cut between."""
        return [
            now[name]
            for k, (before, now) in enumerate(zip(self.places, self.places[1:], strict=False), 1)
            if name in before and name in now and before[name] != now[name] and k not in self.cuts
        ]

    def signs(self, span: Run) -> set[str]:
        """What the signs say in a stretch."""
        frames = self.frames[round(span[0] * FPS) : round(span[1] * FPS)]
        return {thing.text for frame in frames for thing in frame if thing.shape == SIGN}

    def second(self, span: Run) -> list[dict[str, str]]:
        """Places by object, on each frame of a second."""
        assert span[1] - span[0] == 1
        return self.places[round(span[0] * FPS) : round(span[1] * FPS)]


def answers(question: WorldQuestion, watched: dict[str, Watched]) -> tuple[str, list[Run] | None]:
    """The answer to an open question as a viewer finds it, and the windows; None where they are not looked at."""
    video = watched[question.videos[0]]
    windows = [(window.start_s, window.end_s) for window in question.windows]
    targets = question.targets
    match question.type, question.kind:
        case "existence", _:
            runs = video.runs(targets[0])
            return ("yes" if runs else "no"), runs
        case "attribute", "recolour":
            ((span, colour),) = video.dyes(targets[0])
            return colour, [span]
        case "attribute", kind:
            part = 0 if kind == "colour_at" else 1
            asked = targets[0].split()[1 - part]
            found = {
                tuple(name.split()[part] for name in frame if name.split()[1 - part] == asked)
                for frame in video.second(windows[0])
            }
            ((answer,),) = found
            return answer, None
        case "place", "appear":
            (run,) = video.runs(targets[0])
            (place,) = {frame[targets[0]] for frame in video.places if targets[0] in frame}
            return place, [run]
        case "place", "move":
            (place,) = video.moves(targets[0])
            return place, None
        case "place", "at":
            (place,) = {frame[targets[0]] for frame in video.second(windows[0])}
            return place, None
        case "count_objects", _:
            (number,) = {len(frame) for frame in video.second(windows[0])}
            return str(number), None
        case "count_events", _:
            return str(len(video.runs(targets[0]))), video.runs(targets[0])
        case "when", "appear":
            (run,) = video.runs(targets[0])
            return question.answer, [run]
        case "when", "vanish":
            (gap,) = video.gaps(targets[0])
            return question.answer, [gap]
        case "when", "recolour":
            ((span, _),) = video.dyes(targets[0])
            return question.answer, [span]
        case "when", "move":
            assert len(video.moves(targets[0])) == 1
            return question.answer, None
        case "before_after", _:
            (one,), (other,) = (video.runs(target) for target in targets)
            return ("before" if one[1] <= other[0] else "after"), sorted([one, other])
        case "first_last", kind:
            runs = {target: video.runs(target)[0] for target in targets}
            ordered = sorted(runs, key=lambda target: runs[target])
            return an(ordered[0 if kind == "first" else -1]), sorted(runs.values())
        case "order", _:
            runs = {target: video.runs(target)[0] for target in targets}
            return ", ".join(an(target) for target in sorted(runs, key=lambda t: runs[t])), sorted(runs.values())
        case "duration", kind:
            (run,) = video.runs(targets[0]) if kind == "appear" else video.gaps(targets[0])
            length_s = run[1] - run[0]
            return f"{length_s:g} second{'' if length_s == 1 else 's'}", [run]
        case "sign", _:
            (text,) = video.signs(windows[0])
            return text, (video.runs(targets[0]) if targets else None)
        case "across", kind:
            shown = [name for name in question.videos if watched[name].runs(targets[0])]
            runs = [run for name in question.videos for run in watched[name].runs(targets[0])]
            if kind == "only":
                (name,) = shown
                return name, runs
            return ("yes" if len(shown) == 2 else "no"), runs
    assert question.unanswerable
    assert not any(watched[name].runs(target) for name in question.videos for target in targets)
    return NOT_THERE, []


def an(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@pytest.fixture(scope="module", params=[0, 5])
def asked(request: pytest.FixtureRequest) -> tuple[dict[str, Watched], tuple[WorldQuestion, ...]]:
    videos = make_videos(45, request.param, 3)
    return {video.name: Watched(video) for video in videos}, ask(videos, request.param, density=2)


def test_a_viewer_finds_the_same_answers_and_windows(asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]]):
    watched, questions = asked
    for question in questions:
        answer, windows = answers(question, watched)
        assert answer == question.answer, question
        if windows is not None:
            assert windows == [(window.start_s, window.end_s) for window in question.windows], question


def test_the_right_option_is_right_and_the_others_are_wrong(
    asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]],
):
    """Options of objects are checked one by one; other options are other values of what has one value."""
    watched, questions = asked
    for question in questions:
        assert len(set(question.options)) == 5
        assert question.unanswerable == (question.choice == -1)
        if question.unanswerable:
            continue
        right = question.options[question.choice]
        names = [option.partition(" ")[2] for option in question.options]
        seen = [[bool(watched[video].runs(name)) for video in question.videos] for name in names]
        if question.type == "existence":
            assert seen.count([question.kind == "seen"]) == 1
        elif question.type == "across":
            if question.kind == "only":
                forth = re.search(r"(\w+\.mp4).*?(\w+\.mp4)", question.options_question)
                assert forth is not None
                here, there = (watched[name] for name in forth.groups())
                rows = [bool(here.runs(name)) and not there.runs(name) for name in names]
            else:
                rows = [all(row) == (question.kind == "both") for row in seen]
            assert rows == [k == question.choice for k in range(5)]
        elif question.type == "before_after":
            video = watched[question.videos[0]]
            other = video.runs(question.targets[1])[0]
            sides = [[run < other for run in video.runs(name)] for name in names]
            assert sides.count([question.kind == "before"]) == 1
            assert sides[question.choice] == [question.kind == "before"]
        elif question.type == "first_last":
            runs = {
                option: watched[question.videos[0]].runs(name)
                for option, name in zip(question.options, names, strict=True)
            }
            there = {option: row[0] for option, row in runs.items() if row}
            pick = min if question.kind == "first" else max
            assert pick(there, key=lambda option: there[option]) == right
            assert question.answer == right
        else:
            assert question.answer == right


def test_windows_offered_do_not_come_near_each_other(asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]]):
    for question in asked[1]:
        if question.type == "when":
            starts = sorted(parse_time(option.partition("-")[0]) for option in question.options)
            assert min(b - a for a, b in pairwise(starts)) >= 9
            start, end = (parse_time(part) for part in question.answer.split("-"))
            (window,) = question.windows
            assert start <= window.start_s < start + 1
            assert end - 1 < window.end_s <= end


def test_events_are_said_where_the_answer_hangs_on_one(asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]]):
    watched, questions = asked
    for question in questions:
        if question.type in ("count_events", "when", "before_after", "first_last", "order", "duration"):
            assert question.event
        if question.event:
            assert question.windows
        if question.event and question.kind in ("colour_at", "shape_at") and question.type == "attribute":
            runs = watched[question.videos[0]].runs(question.targets[0])
            assert any(end - start <= 4 for start, end in runs)
        for cue in question.cues:
            assert cue.split()[1] == "flag"
            assert cue.split()[0] in [target.split()[0] for target in question.targets]


def test_all_types_come_up_and_take_turns():
    questions = ask(make_videos(60, 2, 3), 2)
    types = Counter(question.type for question in questions)
    assert set(types) == set(TYPES)
    assert types == {type_: 6 * n for type_, n in PER_TEN_MINUTES.items()}
    assert set(Counter(question.type for question in questions[:26]).values()) == {2}
    assert [question.id for question in questions] == [f"q{k:04d}" for k in range(len(questions))]
    assert 0.5 < sum(question.event for question in questions) / len(questions) < 0.8


def test_the_same_seed_asks_the_same():
    videos = make_videos(10, 2, 2)
    assert ask(videos, 2) == ask(videos, 2)
    assert ask(videos, 2) != ask(videos, 3)


def test_nothing_is_asked_twice(asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]]):
    asked_about = Counter(
        (q.type, q.kind, q.videos, q.targets, q.windows) for q in asked[1] if q.type != "unanswerable"
    )
    assert max(asked_about.values()) == 1


def test_json_and_back_is_the_same(asked: tuple[dict[str, Watched], tuple[WorldQuestion, ...]]):
    lines = to_jsonl(asked[1]).splitlines()
    assert [WorldQuestion.from_json(json.loads(line)) for line in lines] == list(asked[1])
    fields = {"id", "type", "event", "video", "videos", "question", "answer", "options_question", "options", "choice"}
    fields |= {"windows", "unanswerable", "targets", "cues"}
    assert all(fields <= json.loads(line).keys() for line in lines)


def test_every_wording_can_be_filled_and_names_its_videos():
    holes = {"a": "a red star", "b": "a blue ring", "c": "an orange moon", "the": "the red star", "time": "00:03:20"}
    holes |= {"video": "a.mp4", "video2": "b.mp4", "shape": "star", "colour": "red", "other": "blue"}
    assert len({(template.type, template.kind) for template in TEMPLATES}) == len(TEMPLATES)
    assert {template.type for template in TEMPLATES} == set(TYPES)
    for template in TEMPLATES:
        assert 2 <= len(template.open) <= 4
        assert 2 <= len(template.options) <= 4
        for wording in (*template.open, *template.options):
            text = wording.format_map(holes)
            assert "a.mp4" in text
            assert ("b.mp4" in text) == (template.type == "across")
            assert text[0].isupper()
            assert text[-1] in "?."


def test_two_videos_are_needed_to_ask_across_them():
    questions = ask(make_videos(5, 1, 1), 1)
    assert "across" not in {question.type for question in questions}
    assert {question.video for question in questions} == {"alder.mp4"}


@pytest.mark.parametrize("seed", range(20))
def test_short_videos_can_be_asked_about(seed: int):
    for minutes, n in ((0.5, 1), (1, 2), (3, 2)):
        for question in ask(make_videos(minutes, seed, n), seed):
            assert len(set(question.options)) == 5


def test_places_and_colours_come_up_evenly():
    questions = [q for seed in range(6) for q in ask(make_videos(60, seed, 3), seed) if q.type == "place"]
    places = Counter(question.answer for question in questions)
    assert set(places) == set(PLACES)
    assert max(places.values()) <= 2 * min(places.values())
