"""Where a setting comes from, and what is said about a wrong one."""

import pytest

from lvqa.errors import UsageError
from lvqa.settings import SETTINGS_FILE, Settings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LVQA_{name.upper()}", raising=False)


def test_arguments_beat_variables_beat_the_file_beat_the_defaults(tmp_path, monkeypatch):
    (tmp_path / SETTINGS_FILE).write_text('profile = "text"\ntop_k = 3\nrounds = 4\n')
    monkeypatch.setenv("LVQA_TOP_K", "5")
    monkeypatch.setenv("LVQA_ROUNDS", "5")
    settings = Settings.load(tmp_path, rounds=6, vision=None)
    assert (settings.profile, settings.top_k, settings.rounds) == ("text", 5, 6)
    assert settings.budget_frames == Settings.load().budget_frames


def test_a_folder_without_a_file_has_the_defaults(tmp_path):
    assert Settings.load(tmp_path) == Settings.load()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"top_k": 0}, "top_k"),
        ({"profile": "huge"}, "profile"),
        ({"nonsense": 1}, "nonsense"),
        ({"clip_max_s": 0.2}, "clip_max_s"),
    ],
)
def test_a_wrong_value_is_named(given, message):
    with pytest.raises(UsageError, match=message):
        Settings.load(**given)


@pytest.mark.parametrize(("text", "message"), [("profile", "not TOML"), ("tpo_k = 3", "tpo_k")])
def test_a_wrong_file_is_named(tmp_path, text, message):
    (tmp_path / SETTINGS_FILE).write_text(text)
    with pytest.raises(UsageError, match=message):
        Settings.load(tmp_path)
