"""Video-MME, LongVideoBench, MLVU and LVBench from files as their authors publish them."""

from __future__ import annotations

import csv
import io
import json

import pytest

from lvqa.errors import UsageError
from lvqa.eval.tasks import files
from lvqa.eval.tasks.base import SubtitleFile, Window

OPTIONS = ["A. Apples.", "B. Candles.", 'C. "Berries".', "D. It's a wreath."]
BARE = ("Apples.", "Candles.", '"Berries".', "It's a wreath.")
MME = [
    {
        "video_id": f"{number:03}",
        "duration": "short",
        "domain": "Knowledge",
        "sub_category": "Humanity & History",
        "url": f"https://www.youtube.com/watch?v={name}",
        "videoID": name,
        "question_id": f"{number:03}-1",
        "task_type": "Counting Problem",
        "question": "Which is it?",
        "options": OPTIONS,
        "answer": "C",
    }
    for number, name in enumerate(["fFjv93ACGo8", "068rdc75mHM", "N1cdUjctpG8"], 1)
]


def nested(row):
    return {
        **{key: row[key] for key in ("video_id", "url")},
        "questions": [{k: row[k] for k in ("question_id", "task_type", "question", "options", "answer")}],
    }


def as_csv(rows, options):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows({**row, "options": options(row["options"])} for row in rows)
    return out.getvalue()


FORMS = {
    "videomme.json": MME,
    "videomme.jsonl": MME,
    "test-00000-of-00001.json": {key: [row[key] for row in MME] for key in MME[0]},
    "videomme/test-00000-of-00001.jsonl": MME,
    # As pandas writes an array of texts, as Python writes a list, and as JSON.
    "videomme.csv": as_csv(MME, lambda options: "[" + "\n ".join(map(repr, options)) + "]"),
    "test-00000-of-00001.csv": as_csv(MME, str),
    "videomme/test-00000-of-00001.csv": as_csv(MME, json.dumps),
}


@pytest.mark.parametrize("name", FORMS)
def test_videomme_in_every_form(write, footage, loaded, name):
    write(name, FORMS[name])
    footage([f"{row['videoID']}.mp4" for row in MME])
    found = loaded("videomme")
    assert [question.videos for question in found.questions] == [(f"{row['videoID']}.mp4",) for row in MME]
    assert {(q.choice, q.options, q.type) for q in found.questions} == {(2, BARE, "Counting Problem")}
    assert found.questions[0].id == "001-1"
    assert not found.subtitles


def test_videomme_nested_below_videos(write, footage, loaded):
    write("videomme.json", [nested(row) for row in MME])
    footage([f"{row['videoID']}.mp4" for row in MME[:2]])
    found = loaded("videomme")
    assert [question.video for question in found.questions] == ["fFjv93ACGo8.mp4", "068rdc75mHM.mp4"]
    assert "1 of 3 questions are left out" in found.notes[0]


def test_videomme_parquet_needs_a_reader(write, footage, loaded, monkeypatch):
    write("videomme/test-00000-of-00001.parquet", "PAR1")
    footage(["fFjv93ACGo8.mp4"])

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(files, "import_module", missing)
    with pytest.raises(UsageError, match=r"parquet is a Parquet file, and pyarrow.*export.*test-00000-of-00001\.jsonl"):
        loaded("videomme")


def test_videomme_reads_parquet_where_there_is_a_reader(write, footage, loaded):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = write("videomme/test-00000-of-00001.parquet", "")
    parquet.write_table(pyarrow.Table.from_pylist(MME), path)
    footage(["fFjv93ACGo8.mp4"])
    assert [question.choice for question in loaded("videomme").questions] == [2]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"answer": "E"}, r"videomme\.json, row 2: answer is 'E', and there are options A to D"),
        ({"answer": None}, "row 2: no answer"),
        ({"options": ["A. one"]}, "row 2: options holds fewer than two options"),
        ({"question": " "}, "row 2: no question"),
    ],
)
def test_videomme_names_wrong_rows(write, footage, loaded, change, problem):
    write("videomme.json", [MME[0], {**MME[1], **change}])
    footage([f"{row['videoID']}.mp4" for row in MME])
    with pytest.raises(UsageError, match=problem):
        loaded("videomme")


def test_videomme_with_subtitles(write, footage, loaded):
    write("videomme.json", MME)
    footage([f"{row['videoID']}.mp4" for row in MME])
    with pytest.raises(UsageError, match=r"lacks subtitle/ \(the videos' subtitles, <videoID>\.srt\)"):
        loaded("videomme-subs")
    path = write("subtitle/068rdc75mHM.srt", "1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    write("subtitle/unused.srt", "")
    found = loaded("videomme-subs")
    assert found.subtitles == {"068rdc75mHM.mp4": SubtitleFile(path)}
    assert any(note.startswith("2 videos have no subtitles") for note in found.notes)


LVB = [
    {
        "video_id": "86CxyhFV9MI",
        "question": "In the video, which subtitles appear at the same time as the man?",
        "candidates": ["promisc", "run", "hit"],
        "correct_choice": 1,
        "position": [854],
        "question_category": "T2O",
        "id": "86CxyhFV9MI_0",
        "video_path": "86CxyhFV9MI.mp4",
        "subtitle_path": "86CxyhFV9MI_en.json",
        "duration_group": 15,
        "starting_timestamp_for_subtitles": 12.5,
        "duration": 13.0,
    },
    {
        "id": "b_0",
        "video_path": "b.mp4",
        "video_id": "b",
        "question": "why",
        "candidates": ["x", "y"],
        "correct_choice": 0,
    },
]


def test_longvideobench(write, footage, loaded):
    write("lvb_val.json", LVB)
    path = write("subtitles/86CxyhFV9MI_en.json", [])
    footage(["86CxyhFV9MI.mp4", "b.mp4"])
    found = loaded("longvideobench")
    first, second = found.questions
    assert (first.id, first.choice, first.type, first.video) == ("86CxyhFV9MI_0", 1, "T2O", "86CxyhFV9MI.mp4")
    assert second.choice == 0
    assert found.subtitles == {"86CxyhFV9MI.mp4": SubtitleFile(path, 12.5)}
    assert any(note.startswith("1 videos have no subtitles") for note in found.notes)


def test_longvideobench_test_set_has_no_answers(write, footage, loaded):
    write("lvb_test_wo_gt.json", [{key: value for key, value in LVB[0].items() if key != "correct_choice"}])
    footage(["86CxyhFV9MI.mp4"])
    assert loaded("longvideobench").questions[0].choice is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"correct_choice": 3}, r"lvb_val\.json, row 1: correct_choice is 3, and there are options 0 to 2"),
        ({"candidates": None}, "row 1: candidates holds fewer"),
        ({"starting_timestamp_for_subtitles": "soon"}, "row 1: starting_timestamp_for_subtitles is 'soon'"),
    ],
)
def test_longvideobench_names_wrong_rows(write, footage, loaded, change, problem):
    write("lvb_val.json", [{**LVB[0], **change}])
    write("subtitles/86CxyhFV9MI_en.json", [])
    footage(["86CxyhFV9MI.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("longvideobench")


def mlvu(video, kind, candidates=("1", "2", "3", "4"), answer="2"):
    return {
        "video": video,
        "duration": 480.0,
        "question": "How many?",
        "candidates": list(candidates),
        "answer": answer,
        "question_type": kind,
    }


def test_mlvu_tells_videos_of_two_tasks_apart(write, footage, loaded):
    write("json/4_count.json", [mlvu("one.mp4", "count"), mlvu("two.mp4", "count", answer="1")])
    write("json/5_order.json", [mlvu("one.mp4", "order", ["a->b", "b->a"], "b->a")])
    footage(["4_count/one.mp4", "4_count/two.mp4", "order/one.mp4"])
    found = loaded("mlvu")
    assert [(q.id, q.video, q.choice, q.type) for q in found.questions] == [
        ("4_count_0", "4_count/one.mp4", 1, "count"),
        ("4_count_1", "4_count/two.mp4", 0, "count"),
        ("5_order_0", "order/one.mp4", 1, "order"),
    ]
    assert "json/1_plotQA.json" in found.notes[0]
    assert "json/4_count.json" not in found.notes[0]


def test_mlvu_official_folder_is_called_video(write, tmp_path, loaded):
    write("json/4_count.json", [mlvu("one.mp4", "count")])
    (tmp_path / "video" / "4_count").mkdir(parents=True)
    (tmp_path / "video" / "4_count" / "one.mp4").touch()
    assert loaded("mlvu").questions[0].video == "4_count/one.mp4"


def test_mlvu_two_files_of_one_name_are_not_guessed_between(write, footage, loaded):
    write("json/4_count.json", [mlvu("one.mp4", "count")])
    footage(["x/one.mp4", "y/one.mp4"])
    with pytest.raises(UsageError, match=r"both x/one\.mp4 and y/one\.mp4 could be the video one\.mp4"):
        loaded("mlvu")


def test_mlvu_test_set(write, footage, loaded):
    write("test_mcq_gt.json", [{**mlvu("test_1.mp4", "ego"), "question_id": "AR_0"}])
    footage(["test_1.mp4"])
    found = loaded("mlvu")
    assert [question.id for question in found.questions] == ["AR_0"]
    assert not found.notes


def test_mlvu_names_an_answer_that_is_no_candidate(write, footage, loaded):
    write("json/4_count.json", [mlvu("one.mp4", "count"), mlvu("one.mp4", "count", answer="7")])
    footage(["one.mp4"])
    with pytest.raises(UsageError, match=r"4_count\.json, row 2: answer is '7', which is none of the options"):
        loaded("mlvu")


def lvbench(key="Cm73ma6Ibcs", **changes):
    qa = {
        "uid": "1",
        "question": "What year appears?\n(A) 1636\n(B) 1366 (not 1367)\n(C) 1363\n(D) 1633",
        "answer": "D",
        "question_type": ["key information retrieval", "reasoning"],
        "time_reference": "00:15-01:19",
        **changes,
    }
    return {"key": key, "type": "cartoon", "video_info": {"duration_minutes": 60}, "qa": [qa]}


def test_lvbench(write, footage, loaded):
    write(
        "video_info.meta.jsonl",
        [lvbench(), lvbench("second-_1", uid="2", time_reference="1:02:03", answer="b"), lvbench("gone")],
    )
    footage(["Cm73ma6Ibcs.mp4", "00000/00000001.mp4"])
    write("videos/00000/00000001.json", {"url": "https://www.youtube.com/watch?v=second-_1", "key": "00000001"})
    found = loaded("lvbench")
    first, second = found.questions
    assert (first.text, first.options) == ("What year appears?", ("1636", "1366 (not 1367)", "1363", "1633"))
    assert (first.choice, first.type) == (3, "key information retrieval, reasoning")
    assert first.windows == (Window("Cm73ma6Ibcs.mp4", 15, 79),)
    assert (second.video, second.choice) == ("00000/00000001.mp4", 1)
    assert second.windows == (Window("00000/00000001.mp4", 3723, 3723),)
    assert found.notes[-1].endswith("gone.mp4")


def test_lvbench_counts_time_references_that_cannot_be_read(write, footage, loaded):
    write("data/video_info.meta.jsonl", [lvbench(time_reference="02:10-01:00")])
    footage(["Cm73ma6Ibcs.mp4"])
    found = loaded("lvbench")
    assert found.questions[0].windows == ()
    assert found.notes == ("1 questions have no time reference that can be read",)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([lvbench(answer="E")], r"video_info\.meta\.jsonl, line 1, qa, row 1: answer is 'E'"),
        ([lvbench(question="What?\n(A) x\n(C) y")], "row 1: question is not followed by options"),
        ([lvbench(), {"key": "x"}], "line 2: qa is no list"),
    ],
)
def test_lvbench_names_wrong_rows(write, footage, loaded, rows, problem):
    write("video_info.meta.jsonl", rows)
    footage(["Cm73ma6Ibcs.mp4"])
    with pytest.raises(UsageError, match=problem):
        loaded("lvbench")


def test_a_line_ends_where_its_newline_is(write, footage, loaded):
    asked = lvbench(question="What\u2028year?\n(A) x\n(B) y", answer="A")
    write("video_info.meta.jsonl", json.dumps(asked, ensure_ascii=False) + "\r\n")
    footage(["Cm73ma6Ibcs.mp4"])
    assert loaded("lvbench").questions[0].text == "What\u2028year?"


def test_lines_that_are_not_json_are_named(write, footage, loaded):
    write("video_info.meta.jsonl", json.dumps(lvbench()) + "\n\n{broken\n")
    footage(["Cm73ma6Ibcs.mp4"])
    with pytest.raises(UsageError, match=r"video_info\.meta\.jsonl, line 3: not JSON"):
        loaded("lvbench")
