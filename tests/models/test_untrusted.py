"""Models of strangers: what would be unpickled is refused, and code of their own runs only where it was named."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import ModelError, UsageError
from lvqa.models import embed
from lvqa.models.embed import check_modules
from lvqa.models.profiles import Models
from lvqa.models.registry import load_chat, load_detector, load_embedder, load_image_embedder, load_vision
from lvqa.settings import Settings

CODE = """
open({marker!r}, "w").write("ran")
from transformers import BertConfig, BertModel
class OwnConfig(BertConfig):
    model_type = "own"
class OwnModel(BertModel):
    config_class = OwnConfig
"""


@pytest.fixture
def own_code(tiny: Callable[[str], Path], tmp_path: Path) -> tuple[Path, Path]:
    """A folder whose model brings code that leaves a mark when it is run, and the mark."""
    folder, marker = tmp_path / "own", tmp_path / "ran"
    shutil.copytree(tiny("causal"), folder)
    (folder / "own.py").write_text(CODE.format(marker=str(marker)))
    config = json.loads((folder / "config.json").read_text())
    heads = ("", "ForCausalLM", "ForImageTextToText", "ForZeroShotObjectDetection")
    classes = {f"AutoModel{head}": "own.OwnModel" for head in heads} | {"AutoConfig": "own.OwnConfig"}
    config |= {"model_type": "own", "auto_map": classes}
    (folder / "config.json").write_text(json.dumps(config))
    return folder, marker


@pytest.mark.real_models
@pytest.mark.parametrize(
    ("load", "kind"),
    [(load_vision, "hf"), (load_chat, "hf"), (load_detector, "hf"), (load_image_embedder, "hf"), (load_embedder, "st")],
)
def test_code_of_its_own_is_not_run(load: Callable[..., Any], kind: str, own_code: tuple[Path, Path]) -> None:
    folder, marker = own_code
    with pytest.raises(ModelError):
        load(f"{kind}:{folder}", device="cpu", trusted=["other/model", str(folder.parent)])
    assert not marker.exists()


@pytest.mark.real_models
def test_code_of_a_model_that_was_named_is_run(
    own_code: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, marker = own_code
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    with pytest.raises(ModelError, match=f"--set trust_remote_code={folder}"):
        load_chat(f"hf:{folder}", device="cpu")
    models = Models(Settings(profile="text", chat=f"hf:{folder}", device="cpu", trust_remote_code=(str(folder),)))
    # It brings no head to generate with; that its code ran is what counts.
    with contextlib.suppress(ModelError, AttributeError):
        assert models.chat is not None
    assert marker.read_text() == "ran"


def test_only_the_exact_name_is_trusted(monkeypatch: pytest.MonkeyPatch, real_models: None) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr("lvqa.models.hf.vision.load", lambda spec, **more: given.append(more))
    for spec, trusted in (("hf:a/b", ["a/b"]), ("hf:a/b", ["a/bc", "a", "hf:a/b", "A/B"]), ("hf:a/b", [])):
        load_vision(spec, trusted=trusted)
    assert given == [{"device": "auto", "trust_remote_code": True}, {"device": "auto"}, {"device": "auto"}]


def test_the_setting_is_a_list_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().trust_remote_code == ()
    assert Settings.load(None, trust_remote_code="a/b, c/d,").trust_remote_code == ("a/b", "c/d")
    monkeypatch.setenv("LVQA_TRUST_REMOTE_CODE", "e/f")
    assert Settings.load(None).trust_remote_code == ("e/f",)
    monkeypatch.delenv("LVQA_TRUST_REMOTE_CODE")
    (tmp_path / "settings.toml").write_text('trust_remote_code = ["g/h", "i/j"]\n')
    assert Settings.load(tmp_path).trust_remote_code == ("g/h", "i/j")
    with pytest.raises(UsageError, match="trust_remote_code"):
        Settings.load(None, trust_remote_code=[1])


class Bomb:
    """What a pickle of it does when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.real_models
@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "model.pkl"])
def test_a_pickle_anywhere_in_an_embedder_is_refused(tiny: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    import pickle

    folder = shutil.copytree(tiny("bert"), tmp_path / "st")
    dense = folder / "2_Dense"
    dense.mkdir()
    (dense / name).write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    (dense / "config.json").write_text('{"in_features": 32, "out_features": 8, "bias": true}')
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    for load in (load_embedder, load_image_embedder):
        with pytest.raises(ModelError, match=f"{name}, which would be unpickled"):
            load(f"st:{folder}", device="cpu")
    assert not (tmp_path / "boom").exists()


def test_a_module_from_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"path": "", "type": "torch.serialization"}]')
    with pytest.raises(ModelError, match="code of its own"):
        check_modules("st:x", tmp_path)
    check_modules("st:x", tmp_path, trust_remote_code=True)
    (tmp_path / "modules.json").write_text("no JSON")
    with pytest.raises(ModelError, match="cannot be read"):
        check_modules("st:x", tmp_path)


def test_pickles_are_not_even_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(embed, "hub_has", lambda model: True)

    def download(model: str, ignore_patterns: list[str]) -> str:
        asked.append((model, ignore_patterns))
        (tmp_path / "pytorch_model.bin").write_bytes(b"x")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(ModelError, match="unpickled"):
        embed.load_sentence_transformer("st:some/model", "cpu")
    ((model, left_out),) = asked
    assert model == "some/model"
    assert {"*.bin", "*.pt", "*.pkl"} <= set(left_out)

    def refused(model: str, ignore_patterns: list[str]) -> str:
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refused)
    with pytest.raises(ModelError, match="no route"):
        embed.load_sentence_transformer("st:some/model", "cpu")
