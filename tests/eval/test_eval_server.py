"""The command that runs without any language model runs unchanged with one behind an OpenAI-compatible server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

THINGS = ("kettle", "bicycle", "parrot", "ladder")


def answer_to(prompt: str) -> str:
    """What a model that reads says: the option whose thing a note names."""
    if "Plan how to answer" in prompt:
        return json.dumps({"kind": "attribute", "phrases": ["the man holds something"]})
    notes = {int(n): text for n, text in re.findall(r"^\[(\d+)\] .*?: (.*)$", prompt, re.MULTILINE)}
    if "Summarise, in at most" in prompt:
        return " ".join(f"{text} [{n}]." for n, text in notes.items() if "holds" in text)
    options = dict(re.findall(r"^([A-D])\. (.*)$", prompt, re.MULTILINE))
    held = [n for n, text in notes.items() if "holds" in text]
    named = next((m for m, option in options.items() if held and option in notes[held[0]]), "A")
    if "Judge how well" in prompt:
        return json.dumps({"scores": {mark: float(mark == named) for mark in options}})
    if "Check whether notes" in prompt:
        return json.dumps({"verdicts": [{"claim": 1, "support": 0.9}]})
    said = {"text": f"The man holds {options.get(named, 'it')}.", "evidence": held[:1]}
    return json.dumps({"sentences": [said], "choice": named, "confidence": 0.9, "missing": []})


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = body["messages"][-1]["content"]
        prompt = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer_to(prompt)}}
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": 20, "total_tokens": len(prompt) // 4 + 20}
        document = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        data = json.dumps({**document, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.paths = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """NExT-GQA's development form: captions of four videos, and what a man holds in each."""
    folder = tmp_path / "data"
    folder.mkdir()
    captions, questions = [], []
    for n, thing in enumerate(THINGS):
        for second in range(6):
            text = f"the man holds a {thing}" if second == 3 else f"a grey wall in room {n}, part {second}"
            captions.append({"video": f"v{n}", "start_s": second, "end_s": second + 1, "text": text})
        options = [f"a {THINGS[(n + k + 1) % 4]}" for k in range(4)]
        row = {"id": f"q{n}", "video": f"v{n}", "type": "DO", "question": "What does the man hold?"}
        questions.append({**row, "options": options, "answer_index": 3, "windows": [[3.0, 4.0]]})
    for name, rows in (("captions", captions), ("questions", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.real_models
def test_the_same_command_with_and_without_a_chat_model(data, server, tmp_path, lvqa, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    command = ("eval", "nextgqa", "--data", data, "--embedder", "none", "--profile", "text", "--json")
    alone = lvqa(*command, "--dir", tmp_path / "alone").json
    assert not server.paths
    url = f"openai:reader@http://127.0.0.1:{server.server_port}/v1"
    done = lvqa(*command, "--dir", tmp_path / "told", "--chat", url, "--workers", "2")
    assert done.status == 0, done.err
    told = done.json
    assert {"random", "longest"} <= set(told["controls"])
    with_chat = told["systems"]["lvqa"]
    assert with_chat["accuracy"]["value"] == 1.0
    assert with_chat["llm_calls"] >= 4
    assert with_chat["tokens_in"] > 100
    assert set(server.paths) == {"/v1/chat/completions"}
    assert alone["systems"]["lvqa"]["llm_calls"] == 0
    assert alone["questions"] == told["questions"] == 4
