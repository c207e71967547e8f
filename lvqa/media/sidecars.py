"""Which subtitle files belong to which video, and what their names say of them. Reads folders, opens no file.

talk.srt  talk.en.srt  talk_en  talk-en  talk.English  talk.[en]  talk.mp4.srt  talk.forced.en  Subs/talk.srt
Subs/talk/2_English.srt
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lvqa.media.kinds import VIDEO_SUFFIXES
from lvqa.media.language_names import language_code

Kind = Literal["full", "sdh", "signs"]
"""What a track of subtitles is: all that is said, that with the sounds, or what is no transcript (see `Label`)."""

PICTURE_SUFFIXES = frozenset({".sup", ".idx"})
"""What files of subtitles that are pictures are called; a .sub may hold either."""
_TEXT_SUFFIXES = {".srt", ".vtt", ".ass", ".ssa", ".sbv", ".ttml", ".dfxp", ".smi", ".sami", ".sub", ".lrc", ".json3"}
SUFFIXES = PICTURE_SUFFIXES | _TEXT_SUFFIXES
_FOLDERS = frozenset({"subs", "sub", "subtitles", "subtitle", "captions"})
# What the words of a name say: of what kind a track is, or nothing that matters here.
_SAID = {
    "parts": "forced foreign signs sign songs song narrative",
    "aside": "lyrics lyric karaoke commentary commentaries comment comments kommentar commentaire comentario",
    "sdh": "sdh cc hoh deaf hearing impaired closed captions",
    "whole": "full complete dialogue dialog non nonforced",
    "other": "und default sub subs subtitle subtitles auto asr orig original generated utf8 latin american european "
    "british canadian swiss",
}
_KNOWN = {word: said for said, words in _SAID.items() for word in words.split()}
_WORDS = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"(?:track|stream)?\d+$")
_REGION = re.compile(r"[-_](?:[a-z]{2}|[a-z]{4}|\d{3})(?![^\W_])")
_CODE = re.compile(r"[a-z]{2,3}$")


@dataclass(frozen=True, slots=True)
class Label:
    """What a track's name says: its language (empty if none), its kind, and how many of its words say neither.

    `signs` are forced and foreign parts, signs, songs, lyrics and commentaries.
    """

    language: str = ""
    kind: Kind = "full"
    others: int = 0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A subtitle file of a video; `name` is what is left of its name without that of the video."""

    path: Path
    name: str
    label: Label


def folded(name: str) -> str:
    """A name as it is compared: one form of Unicode, one case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def sidecars_in(folder: Path, videos: Iterable[str] = ()) -> dict[str, list[Sidecar]]:
    """The subtitle files of the videos in a folder, in it and in its folders for subtitles, by the video's file name.

    Each file belongs to one video, that with the longest name which its own begins with; a video's best come first:
    those whose names say least beside language and kind, then by name.

    Args:
        folder: where the videos lie; one that cannot be listed has none.
        videos: names that are videos whatever their suffix.
    """
    names, folders = _listed(folder)
    owners = _owners({*videos, *(name for name in names if os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES)})  # noqa: PTH122
    found: dict[str, list[Sidecar]] = {}
    places = [(folder, "", "")]
    for name in folders:
        if folded(name) in _FOLDERS:
            places.append((folder / name, f"{name}/", ""))
            places += [(folder / name / below, f"{name}/", below) for below in _listed(folder / name)[1]]
    lone = min(owners.values()) if owners and len(set(owners.values())) == 1 else ""
    for place, prefix, below in places:
        for name in names if not prefix else _listed(place)[0]:
            base, suffix = os.path.splitext(name)  # noqa: PTH122 - names, not paths
            if suffix.lower() not in SUFFIXES:
                continue
            video, rest, label = _belongs(base, owners)
            if not video and prefix:
                # Named by its language alone, in a folder named as the video or beside the only one.
                video, rest = owners.get(folded(below), "") if below else lone, base
                label = label_of(f".{base}")
            if video and label is not None and (place / name).is_file():
                found.setdefault(video, []).append(Sidecar(place / name, f"{prefix}{rest}{suffix}", label))
    return {video: sorted(files, key=lambda s: (s.label.others, s.name, s.path.name)) for video, files in found.items()}


def label_of(title: str) -> Label | None:
    """What the rest of a file's name behind that of its video says; None where it is the name of something else."""
    rest = folded(title)
    if not rest:
        return Label()
    if rest[0].isalnum():
        return None
    words = list(_WORDS.finditer(rest))
    if not words:
        return Label()
    language = ""
    flags: set[str] = set()
    others = past = 0
    for number, match in enumerate(words):
        word = match.group()
        if match.start() < past:
            continue
        if word in _KNOWN:
            flags.add(word)
            continue
        code = language_code(word)
        if not code and not number and rest[0] == "." and _CODE.match(word):
            code = word
        if code and (not language or (language == "hi" and "sdh" not in flags)):
            # `x.hi.en` and `x.en.hi`: for the hearing impaired, in English; `x.hi`: in Hindi.
            flags |= {"sdh"} if language else set()
            language = code
            region = _REGION.match(rest, match.end())
            if len(word) <= 3 and region and region.group()[1:] not in {*_KNOWN, "hi"}:
                language, past = f"{code}{region.group().replace('_', '-')}", region.end()
        elif word == "hi":
            flags.add("sdh")
        elif not code and not _NUMBER.match(word):
            if not number:
                return None
            others += 1
    return Label(language, _kind(flags), others) if language or flags else None


def track_label(language: str, title: str, kind: Kind = "full") -> Label:
    """What a track inside a video says of itself: its language, its title, and the kind that its marks give it."""
    words = {match.group() for match in _WORDS.finditer(folded(title))}
    primary, _, region = folded(language).replace("_", "-").partition("-")
    code = "" if primary in ("und", "mis", "zxx", "mul") else language_code(primary) or primary
    told = _kind(words)
    worst: Kind = "signs" if "signs" in (kind, told) else "sdh" if "sdh" in (kind, told) else "full"
    return Label(f"{code}-{region}" if code and region else code, worst)


def _kind(words: Iterable[str]) -> Kind:
    said = {_KNOWN[word] for word in words if word in _KNOWN}
    if "aside" in said or ("parts" in said and "whole" not in said):
        return "signs"
    return "sdh" if "sdh" in said else "full"


def _owners(videos: set[str]) -> dict[str, str]:
    """The file name of a video by what its subtitles may begin with: its name with and without suffix, folded."""
    owners: dict[str, str] = {}
    for name in sorted(videos):
        owners.setdefault(folded(os.path.splitext(name)[0]), name)  # noqa: PTH122
    return owners | {folded(name): name for name in sorted(videos, reverse=True)}


def _belongs(base: str, owners: dict[str, str]) -> tuple[str, str, Label | None]:
    """The video that a file belongs to by its name, the rest of its name, and what that says; empty for none."""
    whole = folded(base)
    for end in range(len(whole), 0, -1):
        if whole[:end] in owners and not whole[end : end + 1].isalnum():
            return owners[whole[:end]], whole[end:], label_of(whole[end:])
    return "", "", None


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in a folder, sorted; none where it cannot be listed."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if entry.is_dir() else files).append(entry.name)
    except OSError:
        return [], []
    return sorted(files), sorted(folders)
