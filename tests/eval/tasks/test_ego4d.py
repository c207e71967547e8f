"""EgoSchema, HourVideo and LV-Haystack from files as their authors publish them."""

from __future__ import annotations

import pytest

from lvqa.errors import UsageError
from lvqa.eval.tasks.base import Window


def egoschema(uid, **changes):
    options = {f"option {number}": f"C does thing {number}." for number in range(5)}
    return {"q_uid": uid, "google_drive_id": "1x", "question": f"What is C doing in {uid}?", **options, **changes}


def test_egoschema_asks_the_public_subset(write, footage, loaded):
    write("questions.json", [egoschema("aa-1"), egoschema("bb-2"), egoschema("cc-3")])
    write("subset_answers.json", {"aa-1": 4, "cc-3": 0})
    footage(["aa-1.mp4", "bb-2.mp4", "cc-3.mp4"])
    found = loaded("egoschema")
    assert [(q.id, q.choice, q.video) for q in found.questions] == [("aa-1", 4, "aa-1.mp4"), ("cc-3", 0, "cc-3.mp4")]
    assert found.questions[0].options[4] == "C does thing 4."
    whole = loaded("egoschema", subset=False)
    assert [question.choice for question in whole.questions] == [4, None, 0]


def test_egoschema_is_read_as_others_ship_it(write, footage, loaded):
    shipped = {uid: {**egoschema(uid), "truth": n} for n, uid in enumerate(("aa-1", "bb-2"))}
    for row in shipped.values():
        del row["q_uid"]
    write("subset_anno.json", shipped)
    footage(["aa-1.mp4", "bb-2.mp4"])
    found = loaded("egoschema")
    assert [(question.id, question.choice) for question in found.questions] == [("aa-1", 0), ("bb-2", 1)]
    write("subset_anno.json", {"aa-1": {**shipped["aa-1"], "truth": 7}})
    with pytest.raises(UsageError, match=r"subset_anno\.json, aa-1: truth is 7"):
        loaded("egoschema")


def test_egoschema_counts_missing_videos(write, footage, loaded):
    write("questions.json", [egoschema(f"v{number}") for number in range(9)])
    write("subset_answers.json", {f"v{number}": 0 for number in range(9)} | {"unasked": 1})
    footage(["v8.mp4"])
    notes = loaded("egoschema").notes
    assert notes[0] == "1 answers of subset_answers.json have no question, such as unasked"
    assert notes[1].startswith("8 of 9 questions are left out")
    assert notes[1].endswith("v0.mp4, v1.mp4, v2.mp4, v3.mp4, v4.mp4 and 3 more")


def test_egoschema_names_the_missing_file(write, footage, loaded):
    write("questions.json", [egoschema("a")])
    footage(["a.mp4"])
    with pytest.raises(UsageError, match=r"lacks subset_answers\.json \(the public answers of 500 questions"):
        loaded("egoschema")


@pytest.mark.parametrize(
    ("rows", "answers", "problem"),
    [
        ([egoschema("a")], {"a": 5}, r"subset_answers\.json, a: answer is 5, and there are options 0 to 4"),
        ([egoschema("b"), egoschema("a", **{"option 3": ""})], {"a": 1}, r"questions\.json, row 2: option 4 is empty"),
        ([{"question": "what"}], {"a": 1}, r"questions\.json, row 1: no q_uid"),
        ([["a"]], {"a": 1}, r"questions\.json, row 1: no object"),
        ("{", {"a": 1}, r"questions\.json is not JSON"),
        ([], {"a": 1}, r"questions\.json holds no rows"),
        ([egoschema("a")], [1], r"subset_answers\.json holds no object"),
    ],
)
def test_egoschema_names_what_is_wrong(write, footage, loaded, rows, answers, problem):
    write("questions.json", rows)
    write("subset_answers.json", answers)
    footage(["a.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("egoschema")


def hour(qid, task="perception/information_retrieval/factual_recall", times="00:10:05-00:11:00", **changes):
    answers = {f"answer_{number}": f"Answer {number}" for number in range(1, 6)}
    return {
        "qid": qid,
        "task": task,
        "question": f"Question {qid}?",
        **answers,
        "correct_answer_label": "E",
        "relevant_timestamps": times,
        "mcq_test": "MCQ",
        **changes,
    }


def hours(*rows, uid="uid-1"):
    return {uid: {"video_metadata": {"duration_in_seconds": 3600}, "benchmark_dataset": list(rows)}}


def test_hourvideo(write, footage, loaded):
    pictures = {f"answer_{number}": f"images/{number}.jpg" for number in range(1, 6)}
    write(
        "v1.0_release/json/dev_v1.0_annotations.json",
        hours(
            hour("q1"),
            hour("q2", "reasoning/predictive", "00:20:00-00:21:00"),
            hour("q3", "navigation/room_to_room_image", **pictures),
        )
        | hours(hour("q4"), uid="uid-2"),
    )
    footage(["uid-1.mp4"])
    found = loaded("hourvideo")
    first, second = found.questions
    assert (first.choice, first.between, first.windows) == (4, None, (Window("uid-1.mp4", 605, 660),))
    assert (second.type, second.between, second.windows) == ("reasoning/predictive", (0, 1200), ())
    assert "1 questions are left out: their options are pictures" in found.notes
    assert found.notes[-1].startswith("1 of 3 questions are left out")


def test_hourvideo_test_set_has_no_answers(write, footage, loaded):
    row = hour("q1")
    del row["correct_answer_label"]
    write("test_v1.0.json", hours(row))
    footage(["uid-1.mp4"])
    found = loaded("hourvideo")
    assert found.questions[0].choice is None
    assert found.notes == ("the questions are those of test_v1.0.json",)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            hours(hour("q1"), hour("q2", correct_answer_label="F")),
            r"uid-1, benchmark_dataset, row 2: correct_answer_label",
        ),
        (hours(hour("q1", "reasoning/predictive", "")), "row 1: a question about what comes next"),
        (hours(hour("q1", answer_2=None)), "row 1: option 2 is empty"),
        ({"uid-1": {"video_metadata": {}}}, r"dev_v1\.0_annotations\.json, uid-1: benchmark_dataset is no list"),
        ({"uid-1": 3}, "uid-1: benchmark_dataset is no list"),
    ],
)
def test_hourvideo_names_what_is_wrong(write, footage, loaded, data, problem):
    write("dev_v1.0_annotations.json", data)
    footage(["uid-1.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("hourvideo")


def haystack(video, frames, key="frame_indexes_video", **changes):
    return {
        "video_id": video,
        "vclip_id": "clip",
        "question": "Where was the pan?",
        "options": {"B": "sink", "A": "shelf", "C": "floor"},
        "answer": "B",
        key: frames,
        "video_metadata": {"frame_rate": 30.0, "vclip_interval_in_video": [90.0, 570.0], "video_duration": 608.9},
        **changes,
    }


def columns(rows):
    return {key: [row[key] for row in rows] for key in rows[0]}


def test_lvhaystack_gold_frames_are_seconds_of_the_video(write, footage, loaded):
    write(
        "LVHaystack_tiny.json",
        columns([haystack("uid-1", [3600, 3000]), haystack("uid-1", []), haystack("uid-2", [3])]),
    )
    footage(["v1/uid-1.mp4"])
    found = loaded("lv-haystack")
    first, second = found.questions
    assert (first.id, first.options, first.choice) == ("LVHaystack_tiny_0", ("shelf", "sink", "floor"), 1)
    assert first.windows == (Window("v1/uid-1.mp4", 100, 100), Window("v1/uid-1.mp4", 120, 120))
    assert first.between is None
    assert second.windows == ()
    assert "1 questions have no gold frame" in found.notes
    assert found.notes[-1].startswith("1 of 3 questions are left out")


def test_lvhaystack_frames_of_the_clip_count_from_its_start(write, footage, loaded):
    write("data/test-00000-of-00001.jsonl", [haystack("uid-1", [300], "frame_indexes")])
    footage(["uid-1.mp4"])
    (question,) = loaded("lv-haystack", clip=True).questions
    assert question.windows == (Window("uid-1.mp4", 100, 100),)
    assert question.between == (90, 570)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            haystack("uid-1", [1], answer="D"),
            r"LVHaystack_test\.json, row 2: answer is 'D', and there are options A to C",
        ),
        (haystack("uid-1", ["x"]), "row 2: frame_indexes_video is no list of frame numbers"),
        (haystack("uid-1", [1], "frames"), "row 2: no frame_indexes_video"),
        (haystack("uid-1", [1], video_metadata={"frame_rate": 0}), "row 2, video_metadata: frame_rate is '0'"),
        (haystack("uid-1", [1], video_metadata=None), "row 2, video_metadata: no frame_rate"),
        (haystack("uid-1", [1], "frame_indexes", video_metadata={"frame_rate": 30}), "vclip_interval_in_video"),
    ],
)
def test_lvhaystack_names_wrong_rows(write, footage, loaded, row, problem):
    write("LVHaystack_test.json", [haystack("uid-1", [1]), row])
    footage(["uid-1.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("lv-haystack")


def test_columns_of_two_lengths_are_no_table(write, footage, loaded):
    write("LVHaystack_test.json", {"video_id": ["a", "b"], "question": ["why"]})
    footage(["a.mp4"])
    with pytest.raises(UsageError, match="neither a list of rows nor columns of one length"):
        loaded("lv-haystack")
