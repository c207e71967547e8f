"""NExT-QA, IntentQA and NExT-GQA from tables as their authors publish them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval.runner import load_task
from lvqa.eval.tasks.base import Window
from lvqa.eval.tasks.registry import load, task

NEXTQA = """video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4
4010069381,369,640,480,how do the two man play the instrument,0,6,CH,roll,tap,strum,hit,pat
4010069381,369,640,480,why does he smile,3,1,CW,sad,tired,"cold, wet",happy,late
3238737531,500,640,480,what does she do after,4,2,TN,run,sit,eat,hit,wave
"""
NEXTGQA = """video_id,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4
4010069381,369,640,480,how do they play,strum,6,CH,roll,tap,strum,hit,pat
4010069381,369,640,480,why does he smile,happy,1,CW,sad,tired,cold,happy,late
3238737531,500,640,480,what does she do after,wave,2,TN,run,sit,eat,hit,wave
"""
SPANS = {
    "4010069381": {"duration": 15, "location": {"6": [[0.5, 3]], "1": [[1, 2.5], [4, 6]]}, "fps": 29.97},
    "3238737531": {"duration": 20, "location": {"2": [[7, 9]]}, "fps": 25},
}
DEVELOPMENT = Path("/work/shared/data/nextgqa_dev")


def test_nextqa_reads_questions_and_finds_videos_below_folders(write, footage, loaded):
    write("val.csv", NEXTQA)
    write("map_vid_vidorID.json", {"3238737531": "1164/3238737531", "4010069381": "0001/other"})
    footage(["1164/3238737531.mkv", "0001/other.mp4"])
    found = loaded("nextqa")
    first, second, third = found.questions
    assert (first.id, first.text, first.choice, first.type) == (
        "4010069381_6",
        "how do the two man play the instrument",
        0,
        "CH",
    )
    assert first.videos == ("0001/other.mp4",)
    assert second.options == ("sad", "tired", "cold, wet", "happy", "late")
    assert (third.videos, third.choice, third.windows) == (("1164/3238737531.mkv",), 4, ())
    assert found.footage is not None
    assert found.captions is None
    assert found.notes == ("the questions are those of val.csv",)


def test_intentqa_has_further_columns_and_takes_the_test_split(write, footage, loaded):
    rows = NEXTQA.replace("video,", "video_id,").replace("a4\n", "a4,action,lemma,lemma_id\n", 1).splitlines()
    write("test.csv", "\n".join([rows[0], *(f"{row},playing,play,1" for row in rows[1:])]) + "\n")
    footage(["4010069381.mp4", "3238737531.mp4"])
    assert [question.choice for question in loaded("intentqa").questions] == [0, 3, 4]


def test_missing_videos_are_left_out_and_counted(write, footage, loaded):
    write("val.csv", NEXTQA)
    footage(["3238737531.mp4"])
    found = loaded("nextqa")
    assert [question.id for question in found.questions] == ["3238737531_2"]
    assert found.notes[-1].startswith("2 of 3 questions are left out: their videos are not in ")
    assert found.notes[-1].endswith("videos: 4010069381.mp4")


def test_no_question_left_is_an_error(write, footage, loaded):
    write("val.csv", NEXTQA)
    footage(["unrelated.mp4"])
    with pytest.raises(UsageError, match=r"3 of 3 questions are left out.*3238737531\.mp4, 4010069381\.mp4.*NExT-QA"):
        loaded("nextqa")


def test_neither_footage_nor_captions(write, loaded):
    write("val.csv", NEXTQA)
    with pytest.raises(UsageError, match=r"neither a folder of videos .*captions\.jsonl.*--videos.*doc-doc/NExT-QA"):
        loaded("nextqa")


def test_captions_stand_for_videos_and_fill_up_what_footage_lacks(write, footage, loaded):
    write("val.csv", NEXTQA)
    write("captions.jsonl", [{"video": "4010069381.mp4", "start_s": 0, "end_s": 1, "text": "a man plays"}])
    found = loaded("nextqa")
    assert {question.videos for question in found.questions} == {("4010069381.mp4",)}
    assert found.footage is None
    assert found.captions is not None
    footage(["x/3238737531.mp4"])
    assert [question.video for question in loaded("nextqa").questions] == ["4010069381.mp4"] * 2 + ["x/3238737531.mp4"]


def test_footage_may_lie_elsewhere(write, tmp_path):
    write("val.csv", NEXTQA)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "4010069381.webm").touch()
    found = load(task("nextqa"), tmp_path, elsewhere)
    assert found.footage == elsewhere
    assert found.questions[0].videos == ("4010069381.webm",)
    with pytest.raises(UsageError, match="no folder"):
        load(task("nextqa"), tmp_path, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (",3,1,CW", ",5,1,CW", r"val\.csv, row 2: answer is 5, and there are options 0 to 4"),
        (",3,1,CW", ",,1,CW", r"row 2: no answer"),
        (",sad,", ",,", r"row 2: option 1 is empty"),
        (",happy,late", ",happy", r"row 2: fewer cells"),
        (",happy,late", ",happy,late,later", r"row 2: more cells"),
        (",3,1,CW", ",happy,1,CW", r"row 2: answer is 'happy', not an index"),
    ],
)
def test_malformed_rows_are_named(write, footage, loaded, old, new, problem):
    write("val.csv", NEXTQA.replace(old, new))
    footage(["4010069381.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("nextqa")


def test_nextgqa_has_answers_by_text_and_windows(write, footage, loaded):
    write("val.csv", NEXTGQA)
    write("gsub_val.json", SPANS)
    footage(["4010069381.mp4", "3238737531.mp4"])
    found = loaded("nextgqa")
    assert [question.choice for question in found.questions] == [2, 3, 4]
    assert found.questions[1].windows == (Window("4010069381.mp4", 1, 2.5), Window("4010069381.mp4", 4, 6))


def test_nextgqa_takes_the_test_split_first_and_its_own_spans(write, footage, loaded):
    write("val.csv", NEXTGQA)
    write("test.csv", NEXTQA)
    write("gsub_val.json", SPANS)
    footage(["4010069381.mp4", "3238737531.mp4"])
    with pytest.raises(UsageError, match=r"lacks gsub_test\.json \(the spans that show their answers"):
        loaded("nextgqa")
    write("gsub_test.json", SPANS)
    assert [question.choice for question in loaded("nextgqa").questions] == [0, 3, 4]


def test_spans_from_a_little_before_the_video_begin_with_it_and_it_is_told_once(write, footage, loaded):
    write("val.csv", NEXTGQA)
    spans = json.loads(json.dumps(SPANS))
    for video in spans.values():
        for located in video["location"].values():
            located[0][0] = -0.1
    write("gsub_val.json", spans)
    footage(["4010069381.mp4", "3238737531.mp4"])
    found = loaded("nextgqa")
    assert all(question.windows[0].start_s == 0 for question in found.questions)
    (told,) = [note for note in found.notes if "begin before their video" in note]
    assert "at -0.1 s at the earliest" in told


def test_a_split_is_chosen(write, footage, tmp_path):
    write("val.csv", NEXTGQA)
    write("test.csv", NEXTQA)
    for split in ("val", "test"):
        write(f"gsub_{split}.json", SPANS)
    footage(["4010069381.mp4", "3238737531.mp4"])
    for split, choices in (("val", [2, 3, 4]), ("test", [0, 3, 4])):
        _, found = load_task("nextgqa", tmp_path, split=split)
        assert [question.choice for question in found.questions] == choices
    with pytest.raises(UsageError, match="NExT-GQA has no split 'train'; there are: test, val"):
        load_task("nextgqa", tmp_path, split="train")
    with pytest.raises(UsageError, match="EgoSchema has no split 'val'; it has one set"):
        load_task("egoschema", tmp_path, split="val")


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ({"1": [[1, 2]]}, r"val\.csv, row 1: gsub_val\.json has no span for question 6 of video 4010069381"),
        ({"6": [[3, 1]], "1": [[1, 2]]}, r"gsub_val\.json, video 4010069381, question 6: location has the span 3"),
        ({"6": [3, 1], "1": [[1, 2]]}, r"question 6: location holds no pairs of seconds"),
    ],
)
def test_nextgqa_names_wrong_spans(write, footage, loaded, location, problem):
    write("val.csv", NEXTGQA)
    write("gsub_val.json", {**SPANS, "4010069381": {"location": location}})
    footage(["4010069381.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("nextgqa")


def test_nextgqa_names_an_answer_that_is_no_option(write, footage, loaded):
    write("val.csv", NEXTGQA.replace(",strum,6", ",sing,6"))
    write("gsub_val.json", SPANS)
    footage(["4010069381.mp4"])
    with pytest.raises(UsageError, match=r"row 1: answer is 'sing', which is none of the options"):
        loaded("nextgqa")


def own(**changes):
    return {
        "id": "a_1",
        "video": "a",
        "type": "CW",
        "question": "why",
        "options": ["x", "y"],
        "answer_index": 1,
        "windows": [[1.0, 2.0]],
        **changes,
    }


def test_own_questions_with_captions(write, loaded):
    write("captions.jsonl", [{"video": "a", "start_s": 0, "end_s": 1, "text": "x"}])
    write("questions.jsonl", [own(), own(id="b_1", video="b")])
    (question,) = loaded("nextgqa").questions
    assert (question.videos, question.choice, question.type) == (("a",), 1, "CW")
    assert question.windows == (Window("a", 1, 2),)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (own(answer_index=2), r"questions\.jsonl, row 1: answer_index is 2, and there are options 0 to 1"),
        (own(windows=[[4, 1]]), "windows has the span 4"),
        ({"id": "a"}, "line 1 lacks video"),
    ],
)
def test_own_questions_that_are_wrong(write, loaded, row, problem):
    write("captions.jsonl", [{"video": "a", "start_s": 0, "end_s": 1, "text": "x"}])
    write("questions.jsonl", [row])
    with pytest.raises(UsageError, match=problem):
        loaded("nextgqa")


@pytest.mark.skipif(not DEVELOPMENT.is_dir(), reason="the development data is not here")
def test_development_data():
    found = load(task("nextgqa"), DEVELOPMENT)
    assert len(found.questions) > 1000
    assert found.captions == DEVELOPMENT / "captions.jsonl"
    assert all(len(q.options) == 5 and q.windows and len(q.videos) == 1 for q in found.questions)
    assert len({question.id for question in found.questions}) == len(found.questions)
