"""What a notebook shows: a hostile text adds no element and no attribute to the page, whatever it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lvqa import Archive, render
from lvqa.characters import BIDI
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeVision
from lvqa.models.profiles import Models
from lvqa.types import Answer, Evidence, Hit, Note, Sight, Span, Step, Video

VOID = {"img", "br", "rect"}
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", *BIDI}


class Page(HTMLParser):
    """The elements of a page with their attributes, in order; raises AssertionError where they are not well nested."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID or (tag == "rect" and "fill-opacity" in dict(attrs)):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a section: {data}")


def check(html: str) -> Page:
    """A page without anything that runs, loads from elsewhere or steers a terminal."""
    assert not FORBIDDEN & set(html)
    html.encode("utf-8")
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in {
            "script",
            "style",
            "link",
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "meta",
            "a",
            "foreignobject",
        }
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"href", "xlink:href", "srcdoc", "srcset", "action", "formaction"}
            if name == "src":
                where = urlsplit(value or "")
                local = not where.scheme and not where.netloc and tag == "video"
                assert local or (value or "").startswith(("data:image/jpeg;base64,", "data:image/png;base64,"))
            if name == "style":
                assert "url(" not in (value or "")
    return page


def pages(text: str) -> list[str]:
    """Everything that can be shown, with the text in every place."""
    span = Span(1, 2)

    def picture(video: str, time_s: float) -> bytes | None:
        return b"\xff\xd8" if time_s < 2 else None

    evidence = [Evidence(text, span, text, "screen", 0.5), Evidence("b.mp4", Span(3, 4), text, "seen", 0.4)]
    chosen = Answer(text, 1, 0.5, False, evidence, question=text, options=["x", text])
    hits = [Hit(text, Note("1", "v", None, span, text, "speech"), 0.5)]
    sights = [Sight(text, 1.0, 0.9, True)]
    return [
        render.answer_html(chosen, picture, {text: 9.0}),
        render.answer_html(Answer(text, None, 0.0, True, evidence, question=text), picture, {}),
        render.hits_html(hits, picture, {text: 9.0}),
        render.sights_html(sights, picture, {}, text, [b"png"]),
        render.archive_html(text, text, [Video("v", text, "h", 5.0)], picture),
        render.steps_html([step(text)]),
        render.strip_html(text, [(0.0, b"\xff\xd8")]),
    ]  # fmt: skip


def step(text: str) -> Step:
    """A step that consists of a text."""
    return type("TextStep", (Step,), {"node": text, "summary": text, "data": {}})()


def test_every_page_keeps_its_shape(hostile, plain):
    for html, usual in zip(pages(hostile), pages(plain), strict=True):
        assert check(html).shape == check(usual).shape


def test_the_text_is_still_there_to_read(texts):
    for text in (texts.MARKUP["script"], texts.MARKUP["attribute"], texts.MARKUP["entities"], texts.FENCES["json"]):
        assert all(text in check(html).text for html in pages(text))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, film: Callable[[Path], Path], texts: Any) -> Archive:
    """Three files with hostile names, which show text, and captions of each text."""
    place = tmp_path_factory.mktemp("notebook")
    for name in (texts.PATHS["tag"], texts.PATHS["quote"], texts.PATHS["escape"]):
        film(place / name)
    vision = FakeVision(texts.MARKUP["image"], 0.9)
    models = Models.of(vision=vision, embedder=FakeEmbedder(), image_embedder=FakeImageEmbedder())
    made = Archive(place, models=models, clip_max_s=8)
    assert made.index().indexed == 3
    rows = [
        {"video": texts.PATHS["tag"], "start_s": n % 8, "end_s": n % 8 + 2, "text": f"kite {text}"}
        for n, text in enumerate(texts.TEXTS.values())
    ]
    rows += [{"video": texts.MARKUP[name], "start_s": 0, "end_s": 1, "text": "kite"} for name in texts.MARKUP]
    captions = place / "captions.jsonl"
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made.import_captions(captions)
    return made


def test_an_archive_and_what_it_gives(archive, texts):
    one = Answer("a", 0, 0.5, False, [Evidence("a", Span(0, 1), "a", "seen", 1.0)], question="q", options=["a", "b"])
    allowed = set(check(render.answer_html(one, no_picture, {})).shape)
    allowed |= set(check(pages("a")[0]).shape) | set(check(pages("a")[3]).shape)
    shown = [archive, archive.find("red", k=3, frames=12), archive.search("kite", k=20)]
    shown += [archive.search(text, k=5) for text in list(texts.TEXTS.values())[::3]]
    shown += [archive.ask(f"kite {text}", [text, "kite"]) for text in texts.MARKUP.values()]
    for value in shown:
        assert set(check(value._repr_html_()).shape) <= allowed


def no_picture(video: str, time_s: float) -> bytes | None:
    return None


def test_players_open_files_below_the_folder_alone(archive):
    page = check(archive._repr_html_())
    sources = [str(attributes["src"]) for tag, attributes in page.elements if tag == "video"]
    assert len(sources) > 5
    base = render.archive_html("a", "b", [Video("v", "x.mp4", "h", 5.0)], no_picture, "folder")
    assert 'src="folder/x.mp4#' in base
    for source in sources:
        assert "?" not in source
        assert source.count("#") == 1
        assert not {'"', "<", ">", " ", "\\"} & set(source)
