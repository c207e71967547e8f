"""What counts as a secret, what does not, and that striking out leaves the rest as it is."""

from __future__ import annotations

from typing import Any

import pytest

from lvqa import secrets
from lvqa.secrets import STRUCK, is_secret_name, remember, remember_of, strike, strike_all, traceback_text


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_remembered", set())


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "DB_PASSWORD", "PGPASSWORD", "client_secret", "api_key", "token",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["AWS_REGION", "TOKENIZERS_PARALLELISM", "budget_tokens", "caption_tokens", "KEYBOARD", "PATH", "SECRETARY"]
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_values_of_the_environment_are_struck_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "plain words of mine")
    monkeypatch.setenv("OTHER_TOKEN", "plain words")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    monkeypatch.setenv("NOT_SO", "visible value")
    assert (
        strike("a: plain words of mine; b: plain words; c: abc; visible value")
        == "a: ***; b: ***; c: abc; visible value"
    )


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("Incorrect API key provided: sk-abcd1234efgh5678.", "Incorrect API key provided: ***."),
        ("key sk-proj-abc_DEF-1234567890", "key ***"),
        ("hf_AbCdEfGhIjKlMnOpQr is bad", "*** is bad"),
        ("ghp_0123456789abcdef0123", "***"),
        ("AKIAABCDEFGHIJKLMNOP in use", "*** in use"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("eyJhbGciOi12.eyJzdWIiOi12.abc", "***"),
        ("http://me:hunter2@host:80/v1", "http://***@host:80/v1"),
        ("http://justtoken@host/v1", "http://***@host/v1"),
        ("GET http://h/v1?a=1&api_key=abcd&b=2", "GET http://h/v1?a=1&api_key=***&b=2"),
        ("http://h/?access_token=abcd'", "http://h/?access_token=***'"),
        ("{'api_key': 'abcdefgh'}", "{'api_key': '***'}"),
        ('password="correct horse"', 'password="*** horse"'),
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text: str, struck: str) -> None:
    assert strike(text) == struck


@pytest.mark.parametrize(
    "text",
    [
        "hf:Qwen/Qwen2.5-VL-7B-Instruct and openai:qwen@http://localhost:8000/v1",
        "lvqa/models/hf/generate.py in yes_probability",
        "max_tokens=4096, caption_tokens 96 -> 50, task-queue-length",
        "kitchen.mp4: she hides the key under the mat",
        "api_key=SecretStr('**********') and token=None",
        "me@example.org wrote that",
        "sk-learn, risk-averse_people",
        "Basic token authentication",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert strike(text) == text


def test_plain_data_is_struck_out_all_through() -> None:
    remember("opensesame")
    data: dict[str, Any] = {
        "password": "x", "empty_token": "", "n": 3, "list": ["opensesame", ("a", None)], "deep": {"k": "-opensesame-"},
    }  # fmt: skip
    assert strike_all(data) == {
        "password": STRUCK, "empty_token": "", "n": 3, "list": [STRUCK, ["a", None]], "deep": {"k": f"-{STRUCK}-"},
    }  # fmt: skip


def test_tracebacks_with_causes_are_struck_out() -> None:
    remember("opensesame")
    try:
        try:
            raise ValueError("opensesame")
        except ValueError as inner:
            raise RuntimeError("refused opensesame") from inner
    except RuntimeError as error:
        text = traceback_text(error)
    assert text.count(STRUCK) >= 2
    assert "opensesame" not in text.replace('remember("opensesame")', "").replace('ValueError("opensesame")', "")


def test_what_a_model_holds_as_a_secret_is_remembered() -> None:
    class Hidden:
        def get_secret_value(self) -> str:
            return "swordfish-12"

    class Chat:
        def __init__(self) -> None:
            self.key, self.name = Hidden(), "public name"

    remember_of(Chat())
    remember_of(object())
    assert strike("swordfish-12 of public name") == "*** of public name"
