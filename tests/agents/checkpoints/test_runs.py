"""A run that is killed anywhere goes on behind the last node that ended, and comes to the same answer at the same cost.

What ends it is an exception that no node handles, raised by a scripted model; the `stop` of its caller; a caller that
listens no more; and, once, SIGKILL.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite")

from lvqa import agents
from lvqa.agents.checkpoints.runs import MOST_RUNS, RUNS_FILE, Runs
from lvqa.errors import StoreError, StoreVersionError, UsageError
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.types import Answer, Budget, Question

WHOLE = "What colour is the wall when the milk is lifted out?"
SUBS = ["who lifts out the milk?", "where does the cat sleep?", {"text": "what follows {0}?", "needs": [0]}]
SAID = {"colour": "wall is red", "who": "milk carton", "where": "yellow cat", "follows": "into a glass"}
ASKED = Question(WHOLE)
OF = {"the index": "1", "the choice of models": "fake"}


class Killed(BaseException):
    """What no node handles."""


class Script:
    """A chat model that takes the whole apart and cites a note for each part; it dies at its `dies_at`th call."""

    def __init__(self, dies_at: int = 0, die=None, subs=SUBS) -> None:
        self.calls: list[str] = []
        self._dies_at, self._die, self._subs, self._lock = dies_at, die, subs, threading.Lock()
        self.chat = FakeChat(self._reply)

    def _reply(self, messages: list) -> str:
        text = str(messages[-1].text)
        found = re.search(r"^The question(?: at hand)?:\n\n```data\n(.*?)\n```", text, re.DOTALL | re.MULTILINE)
        asked, plans = found[1].splitlines()[0], "Plan how to answer" in text
        with self._lock:
            self.calls.append(f"{'plan' if plans else text[-24:]}: {asked}")
            if len(self.calls) == self._dies_at:
                (self._die or self._kill)()
        if plans:
            kind = {"kind": "attribute", "phrases": [asked], "sub_questions": self._subs if asked == WHOLE else []}
            return json.dumps(kind)
        if "claim" in text and "verdicts" in text:
            return json.dumps({"verdicts": [{"claim": n, "support": 0.9} for n in range(1, 5)]})
        if '"sentences"' not in text:
            return "She lifts out a milk carton [1]."
        wanted = next(note for word, note in SAID.items() if word in asked)
        line = next((line for line in text.splitlines() if line.startswith("[") and wanted in line), "[1]")
        sentence = {"text": f"It is so: {wanted}.", "evidence": [int(line[1 : line.index("]")])]}
        return json.dumps({"sentences": [sentence], "confidence": 0.9})

    def _kill(self) -> None:
        raise Killed


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / RUNS_FILE


@pytest.fixture
def runs(index: Path) -> Iterator[Runs]:
    made = Runs.open(index)
    yield made
    made.close()


@pytest.fixture
def go(store, folder, embedder, runs):
    """`go(script, run)` yields the events of a run, which begins or goes on; without a run it is not kept."""

    def events(script: Script, run: str | None = None, *, vision=True, stop=None, question=ASKED, keeps=None):
        sees = FakeVision("a red wall") if vision else None
        ending = agents.Stop.of(stop)
        saver = keeps(runs.checkpoints(ending)) if keeps is not None else runs.checkpoints(ending)
        kept = {} if run is None else {"checkpointer": saver, "thread_id": run}
        models = Models.of(chat=script.chat, vision=sees, embedder=embedder)
        given = {"store": store, "models": models, "settings": Settings(rounds=1), "folder": folder}
        return agents.stream(question, **given, **kept, stop=ending)

    return events


def last(events) -> Answer:
    return list(events)[-1]


def timeless(answer: Answer) -> dict:
    """All of an answer, its steps and those of its parts, but for the seconds."""
    told = json.loads(json.dumps({**answer.to_dict(), "steps": [step.to_dict() for step in answer.steps]}))
    del told["cost"]["seconds"]
    return told


@pytest.fixture
def whole(go) -> Answer:
    answer = last(go(Script()))
    assert answer.cost.frames > 0
    assert not answer.abstained
    assert [step.node for step in answer.steps].count("sub") == 3
    return answer


def test_a_run_that_is_kept_is_the_same_run(go, runs, whole) -> None:
    assert timeless(last(go(Script(), runs.begin(ASKED, OF)))) == timeless(whole)


def test_killed_at_any_call_of_the_model_it_goes_on_from_there(go, runs, whole) -> None:
    once = Script()
    last(go(once))
    assert len(once.calls) > 12
    for n in range(1, len(once.calls) + 1):
        run, dying = runs.begin(ASKED, OF), Script(n)
        with pytest.raises(Killed):
            last(go(dying, run))
        after = Script()
        assert timeless(last(go(after, run))) == timeless(whole), n
        # What a node that did not end had asked is asked again, and nothing else.
        again = len(dying.calls) + len(after.calls) - len(once.calls)
        assert 1 <= again <= 10, (n, again)
        if n > 1:
            planned = [call for call in after.calls if call == f"plan: {WHOLE}"]
            assert not planned, n


def test_left_after_any_step_it_goes_on_from_there(go, runs, whole) -> None:
    for n in range(1, len(whole.steps), 2):
        run = runs.begin(ASKED, OF)
        events = go(Script(), run)
        told = [next(events) for _ in range(n)]
        events.close()
        after = list(go(Script(), run))
        assert timeless(after[-1]) == timeless(whole), n
        assert len(after) == len(whole.steps) + 1
        assert [step.to_dict() for step in after[:n]] == [step.to_dict() for step in told]


def test_stopped_after_any_step_it_goes_on_from_there(go, runs, whole) -> None:
    for n in range(1, len(whole.steps), 3):
        run, stop = runs.begin(ASKED, OF), threading.Event()
        events = go(Script(), run, stop=stop)
        for _ in range(n):
            next(events)
        stop.set()
        assert last(events).steps[-1].node == "stop"
        assert timeless(last(go(Script(), run))) == timeless(whole), n


def test_stopped_in_the_middle_of_a_node_it_does_that_node_again(go, runs, whole) -> None:
    last(go(once := Script()))
    for n in range(1, len(once.calls) + 1, 2):
        run, stop = runs.begin(ASKED, OF), threading.Event()
        last(go(Script(n, die=stop.set), run, stop=stop))
        assert timeless(last(go(Script(), run))) == timeless(whole), n


def test_killed_before_anything_is_kept_it_goes_on_from_there(go, runs, whole) -> None:
    """Between the end of a node and what is kept of it, and between that and the next node's beginning."""

    class Dying:
        def __init__(self, dies_at: int) -> None:
            self.kept, self._dies_at, self._lock = 0, dies_at, threading.Lock()

        def __call__(self, saver):
            def counted(keep):
                def kept(*given):
                    with self._lock:
                        self.kept += 1
                        if self.kept == self._dies_at:
                            raise Killed
                    return keep(*given)

                return kept

            saver.put, saver.put_writes = counted(saver.put), counted(saver.put_writes)
            return saver

    def one_part() -> Script:
        return Script(subs=SUBS[:1])

    last(go(one_part(), runs.begin(ASKED, OF), keeps=(counts := Dying(0)), vision=False))
    plain = timeless(last(go(one_part(), vision=False)))
    assert counts.kept > 30
    for n in range(1, counts.kept + 1):
        run = runs.begin(ASKED, OF)
        with pytest.raises(Killed):
            last(go(one_part(), run, keeps=Dying(n), vision=False))
        assert timeless(last(go(one_part(), run, vision=False))) == plain, n


def test_it_goes_on_as_often_as_it_is_killed(go, runs, whole) -> None:
    run, tries = runs.begin(ASKED, OF), 0
    while True:
        tries += 1
        try:
            answer = last(go(Script(8), run))
            break
        except Killed:
            assert tries < 20
    assert tries > 2
    assert timeless(answer) == timeless(whole)


def test_answered_parts_are_not_asked_again(go, runs) -> None:
    once = Script()
    last(go(once))
    n = next(k for k, call in enumerate(once.calls, 1) if "what follows" in call)
    run = runs.begin(ASKED, OF)
    with pytest.raises(Killed):
        last(go(Script(n), run))
    after = Script()
    last(go(after, run))
    assert not [call for call in after.calls if SUBS[0] in call or SUBS[1] in call]


@pytest.mark.parametrize("frames", [4, 8])
def test_a_budget_holds_over_all_tries(go, runs, frames) -> None:
    question = Question(WHOLE, budget=Budget(frames=frames))
    plain = last(go(Script(), question=question))
    for n in (6, 12):
        run = runs.begin(question, OF)
        with pytest.raises(Killed):
            last(go(Script(n), run, question=question))
        again = last(go(Script(), run, question=question))
        assert again.cost.frames <= frames
        assert timeless(again) == timeless(plain)


def test_seconds_are_those_of_all_tries(go, runs, store, folder, embedder, monkeypatch) -> None:
    """The clock goes a second further at each look at it."""
    from lvqa.tools import ledger

    now = iter(range(10**9))
    monkeypatch.setattr(ledger.Ledger.__init__, "__defaults__", (lambda: float(next(now)),))
    plain_s = last(go(Script(), vision=False)).cost.seconds
    run, began_s = runs.begin(ASKED, OF), next(now)
    events = go(Script(), run, vision=False)
    next(step for step in events if step.node == "recall")  # the whole's, behind the answers to its parts
    events.close()
    spent_s = next(now) - began_s
    after_s = last(go(Script(), run, vision=False)).cost.seconds
    assert spent_s / 2 < after_s < 1.4 * plain_s


KILLS_ITSELF = """
import os, signal, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from test_runs import OF, WHOLE, Script
from lvqa import agents
from lvqa.agents.checkpoints.runs import Runs
from lvqa.models.fake import FakeEmbedder, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.types import Question

script = Script(9, die=lambda: os.kill(os.getpid(), signal.SIGKILL))
models = Models.of(chat=script.chat, vision=FakeVision("a red wall"), embedder=FakeEmbedder(256))
runs, place = Runs.open(Path(sys.argv[1])), Path(sys.argv[2])
run = runs.begin(Question(WHOLE), OF)
print(run, flush=True)
with Store.open(place / ".lvqa", create=False) as store:
    given = {"store": store, "models": models, "settings": Settings(rounds=1), "folder": place}
    list(agents.stream(Question(WHOLE), **given, checkpointer=runs.checkpoints(lambda: False), thread_id=run))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_process_that_was_killed_is_gone_on_with(go, index, folder, store, whole) -> None:
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1] / "shared"), str(here.parents[1])]
    command = [sys.executable, "-c", KILLS_ITSELF, str(index), str(store.index_dir.parent), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    after = Script()
    assert timeless(last(go(after, done.stdout.strip()))) == timeless(whole)
    assert not [call for call in after.calls if call == f"plan: {WHOLE}"]


# --- the file


def test_a_run_that_ended_keeps_its_answer_alone(go, runs, index, whole) -> None:
    run = runs.begin(ASKED, OF)
    answer = last(go(Script(), run))
    assert rows(index, "checkpoints") == 1, "of a run that is under way, the last of each graph"
    runs.end(run, answer)
    kept = runs.take_up(run, Question(WHOLE), {"the index": "another"})
    assert (rows(index, "checkpoints"), rows(index, "writes")) == (0, 0)
    assert kept.answer == answer
    assert timeless(kept.answer) == timeless(whole)


def rows(index: Path, table: str) -> int:
    with closing(sqlite3.connect(index)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_old_runs_go(go, runs, index) -> None:
    first = runs.begin(ASKED, OF)
    with pytest.raises(Killed):
        last(go(Script(5), first))
    assert rows(index, "checkpoints") > 0
    begun = [runs.begin(ASKED, OF) for _ in range(MOST_RUNS)]
    assert rows(index, "runs") == MOST_RUNS == len(set(begun))
    assert rows(index, "checkpoints") == 0
    with pytest.raises(UsageError, match=f"there is no run '{first}'; there are: {begun[-1]}, "):
        runs.take_up(first, ASKED, OF)


def test_only_the_same_question_goes_on(runs) -> None:
    asked = Question(WHOLE, ("red", "blue"), budget=Budget(5), agent="lvqa", seed=3)
    run = runs.begin(asked, OF)
    assert runs.take_up(run, replace(asked, budget=None, agent=None), OF).question == asked
    for other in (replace(asked, text="who?"), replace(asked, options=("a", "b")), replace(asked, seed=4)):
        with pytest.raises(UsageError, match=f"run {run} is of another question, or of other options or videos: 'What"):
            runs.take_up(run, other, OF)
    with pytest.raises(UsageError, match=f"the index changed after run {run} was begun, so it cannot go on; ask anew"):
        runs.take_up(run, asked, {**OF, "the index": "2"})
    with pytest.raises(UsageError, match="there is no run 'abc'; there are: "):
        runs.take_up("abc", asked, OF)


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all, but long enough to be one" * 50)
    with pytest.raises(StoreError, match=r"cannot be used .* move the file away, and ask anew"):
        Runs.open(path)
    assert path.read_bytes().startswith(b"no database")
    with closing(sqlite3.connect(other := tmp_path / "b.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (a)")
    with pytest.raises(StoreError, match="holds something else than runs of lvqa"):
        Runs.open(other)
    with closing(Runs.open(newer := tmp_path / "c.db")), closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match="newer lvqa"):
        Runs.open(newer)
    with pytest.raises(StoreError, match="cannot be used"):
        Runs.open(tmp_path)


FOREIGN = json.dumps({"!": "Popen", "of": {"args": ["true"]}})
EDITS = [
    ("checkpoints", "type", "pickle"),
    ("checkpoints", "type", "msgpack"),
    ("checkpoints", "checkpoint", b"cos\nsystem\n(S'true'\ntR."),
    ("checkpoints", "checkpoint", "garbage"),
    ("checkpoints", "checkpoint", "[]"),
    ("checkpoints", "checkpoint", "{}"),
    ("checkpoints", "checkpoint", None),
    ("checkpoints", "checkpoint", FOREIGN),
    ("checkpoints", "metadata", "garbage"),
    ("writes", "value", FOREIGN),
    ("writes", "value", "[" * 100_000),
    ("writes", "type", "pickle"),
]
VALUES = [("plan", FOREIGN), ("plan", "1"), ("steps", '["a"]'), ("cost", "null"), ("hits", "[{}]"), ("round", '"x"')]


def resumed_in_a_line(go, run: str) -> None:
    after = Script()
    with pytest.raises(StoreError, match=r"cannot be read .*ask anew, without resuming it") as raised:
        list(go(after, run))
    assert "\n" not in str(raised.value)
    assert not after.calls


@pytest.fixture
def killed(go, runs) -> str:
    """A run that was killed while its first two parts were being answered, one of them already."""
    run = runs.begin(ASKED, OF)
    with pytest.raises(Killed):
        last(go(Script(8), run))
    return run


@pytest.mark.parametrize(("table", "column", "value"), EDITS, ids=range(len(EDITS)))
def test_a_hostile_checkpoint_is_refused_in_a_line(go, index, killed, table, column, value) -> None:
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    if rows(index, table):
        resumed_in_a_line(go, killed)


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_hostile_value_is_refused_in_a_line(go, index, killed, name, value) -> None:
    with closing(sqlite3.connect(index)) as connection, connection:
        of_whole = "checkpoint_ns = ''"
        held = json.loads(connection.execute(f"SELECT checkpoint FROM checkpoints WHERE {of_whole}").fetchone()[0])
        held["channel_values"][name] = json.loads(value)
        connection.execute(f"UPDATE checkpoints SET checkpoint = ? WHERE {of_whole}", (json.dumps(held),))
    resumed_in_a_line(go, killed)


@pytest.mark.parametrize("asked", ["garbage", "[]", "{}", FOREIGN, '{"question": 1, "of": {}}'])
def test_a_hostile_question_is_refused_in_a_line(runs, index, asked) -> None:
    run = runs.begin(ASKED, OF)
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("UPDATE runs SET asked = ?", (asked,))
    with pytest.raises(StoreError, match=f"run {run} cannot be read .*ask anew"):
        runs.take_up(run, ASKED, OF)


@pytest.mark.parametrize("answer", ["garbage", '"a text"', FOREIGN])
def test_a_hostile_answer_is_refused_in_a_line(runs, index, answer) -> None:
    run = runs.begin(ASKED, OF)
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("UPDATE runs SET answer = ?", (answer,))
    with pytest.raises(StoreError, match=f"run {run} .*ask anew, without resuming it"):
        runs.take_up(run, ASKED, OF)
