"""What kind of file something is: by its name, and by its first bytes where the name does not tell.

Names only say what to look at first. A suffix of videos leads to a probe, unless the file is plain text (TypeScript has
`.ts`, too); a suffix of pictures, sound, code or subtitles never does; of all others, documents last, the largest are
looked into, and those that begin as a container of videos does are probed. Opens nothing as video.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PICTURES, SOUND, CODE, SYSTEM, HIDDEN = "pictures", "sound alone", "source code", "system folders", "hidden"
UNFINISHED, OTHER, UNREAD, NO_FILM = "unfinished downloads", "other files", "not looked into", "no moving pictures"
"""Why a file is passed over."""

# The first line are videos, the second what is read beside them; then what is passed over, and as what. Pictures may
# move: FFmpeg reads no animated webp, and the others are stickers. A gif is a video.
_TABLE = """
video: .mp4 .mkv .webm .avi .mov .ts .m4v .m2ts .mts .mpg .mpeg .flv .wmv .ogv .3gp .3g2 .3gpp .asf .vob .mxf .f4v .m2t
  .m2p .m1v .m2v .mpe .mpv .mp4v .divx .xvid .dv .dvr-ms .wtv .rm .rmvb .ogm .qt .insv .360 .lrv .mod .tod .trp .tp .evo
  .vro .amv .nut .ivf .h264 .264 .hevc .265 .gif
beside: .srt .vtt .ass .ssa .sub .idx .smi .sami .sbv .ttml .dfxp .lrc .json3 .sup
pictures: .jpg .jpeg .jpe .png .apng .webp .heic .heif .avif .bmp .tif .tiff .svg .ico .psd .raw .dng .cr2 .cr3 .nef
  .arw .orf .rw2 .raf .xcf .jxl .jp2 .tga .thm
sound alone: .mp3 .m4a .m4b .m4r .aac .wav .flac .ogg .oga .opus .wma .aif .aiff .aifc .ac3 .eac3 .dts .mka .ape .amr
  .mid .midi .mp2 .caf .au .wv .tta .ra .weba
unfinished downloads: .part .crdownload .download .partial .!qb .!ut .aria2 .ytdl
source code: .py .pyc .js .mjs .jsx .tsx .c .h .cc .cpp .hpp .rs .go .java .class .kt .rb .php .pl .sh .bat .ps1 .cs .o
  .a .so .dll .exe .lua .r .m .swift .sql .css .scss .html .htm .ipynb .map .vue .wasm .whl .patch .diff .lock
other files: .txt .md .rst .pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .rtf .tex .csv .tsv .json .jsonl .xml
  .yaml .yml .toml .ini .cfg .conf .log .nfo .zip .gz .bz2 .xz .zst .7z .rar .tar .tgz .jar .deb .rpm .dmg .iso .apk .db
  .sqlite .sqlite3 .parquet .npy .npz .pt .pth .safetensors .onnx .gguf .h5 .pkl .bak .tmp .torrent .url .lnk .ttf .otf
  .woff .woff2 .eot .epub .mobi .m3u .m3u8 .mpd .pls .cue .sfv .md5 .eml .msg .ics .vcf .key .prproj .aep .drp .blend
  .obj .stl .gpx .edl .mhl .bup .ifo
system folders: @eadir @recycle @recently-snapshot @sharebin @tmp #recycle #snapshot $recycle.bin recycler lost+found
  __macosx node_modules
"""
_KINDS = {
    kind: tuple(names.split())
    for kind, _, names in (line.partition(": ") for line in _TABLE.strip().replace("\n  ", " ").splitlines())
}
VIDEO_SUFFIXES = _KINDS.pop("video")
"""What files are called that are probed whatever their content, in the order in which a name without one is tried."""
_SYSTEM_FOLDERS = {*_KINDS.pop(SYSTEM), "system volume information", "network trash folder", "temporary items"}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}
_BESIDE = "beside"
# Suffixes of videos that are those of texts as well: TypeScript and its modules, translations of Qt, modules of Go.
_ALSO_TEXTS = (".ts", ".mts", ".mod", ".rm", ".tp")
_LEAST_TEXT_BYTES = 4
_HEAD_BYTES = 4096
# Of files whose suffix says nothing so many are looked into, the largest, then of those whose suffix is that of a
# document; a smaller one than this holds no video.
MOST_SNIFFED = 1000
_LEAST_BYTES = 1024
# Paths kept of each kind that is passed over; all are counted.
MOST_LISTED = 100

_BEGINNINGS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"0&\xb2u\x8ef\xcf\x11",  # ASF
    b"\x06\x0e+4\x02\x05\x01\x01",  # MXF
    b".RMF",
    b"GIF87a",
    b"GIF89a",
    b"DKIF",
    b"nut/multimedia",
    b"\xb7\xd8\x00 7I\xdaM",  # WTV
)
_OGG_VIDEO = (b"\x80theora", b"BBCD", b"OVP80", b"\x01video")
_ATOMS = (b"moov", b"mdat", b"wide", b"skip", b"pnot")
_NOT_FILM = (b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis", b"M4A ", b"M4B ", b"M4P ", b"crx ", b"jxl ")


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Files of one kind that are not taken for videos: `count` of them, and the first `paths`, relative."""

    kind: str
    count: int
    paths: tuple[str, ...]


@dataclass(slots=True)
class PassedTally:
    """Counts what is passed over below a folder, by kind, and keeps some of the paths."""

    folder: Path
    _counts: dict[str, int] = field(default_factory=dict)
    _paths: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, kind: str) -> None:
        """One more, by its whole path."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        paths = self._paths.setdefault(kind, [])
        if len(paths) < MOST_LISTED:
            paths.append(Path(path).relative_to(self.folder).as_posix())

    def kinds(self) -> tuple[PassedOver, ...]:
        """What was counted, by kind."""
        return tuple(PassedOver(kind, self._counts[kind], tuple(self._paths[kind])) for kind in sorted(self._counts))


def is_system_folder(name: str) -> bool:
    """Whether a folder holds what a NAS, a system or a package manager put there: thumbnails, deleted files, code."""
    return name.casefold() in _SYSTEM_FOLDERS


def promises_film(name: str) -> bool:
    """Whether a file called so should hold moving pictures, so that one without is told as failed."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, no path
    return suffix in VIDEO_SUFFIXES and suffix != ".gif"


class Sorter:
    """Sorts the files of a tree into videos and others; asks `entry` for its size at most, unless the name is unclear.

    Args:
        on_passed: told the path of each file that is passed over, and the kind.
    """

    def __init__(self, on_passed: Callable[[str, str], None]) -> None:
        self._on_passed = on_passed
        self._unclear: list[tuple[bool, int, str]] = []

    def is_video(self, entry: os.DirEntry[str], path: str) -> bool:
        """Whether to probe a file; one that cannot be told by its name is kept for `unclear`."""
        suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - entry is no Path
        if suffix in VIDEO_SUFFIXES:
            if suffix not in _ALSO_TEXTS or not is_text(_head(path)):
                return True
            self._on_passed(path, CODE)
        elif (kind := _BY_SUFFIX.get(suffix, "")) in ("", OTHER):
            self._keep(entry, path, known=bool(kind))
        elif kind != _BESIDE:
            self._on_passed(path, kind)
        return False

    def unclear(self) -> Iterator[Path]:
        """Those of the files without a telling name that begin as videos do."""
        for *_, path in self._unclear:
            if begins_as_video(_head(path)):
                yield Path(path)
            else:
                self._on_passed(path, OTHER)

    def _keep(self, entry: os.DirEntry[str], path: str, *, known: bool) -> None:
        try:
            size = entry.stat().st_size if entry.is_file() else 0
        except OSError:
            size = 0
        if size < _LEAST_BYTES:
            self._on_passed(path, OTHER)
        elif len(self._unclear) < MOST_SNIFFED:
            heapq.heappush(self._unclear, (not known, size, path))
        else:
            unnamed, _, left = heapq.heappushpop(self._unclear, (not known, size, path))
            self._on_passed(left, UNREAD if unnamed else OTHER)


def begins_as_video(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a container that holds videos; the probe has the last word."""
    if head.startswith(_BEGINNINGS) or head[4:8] in _ATOMS:
        return True
    if head[4:8] == b"ftyp":
        return head[8:12] not in _NOT_FILM
    if head.startswith(b"OggS"):
        return any(mark in head for mark in _OGG_VIDEO)
    if head.startswith((b"RIFF", b"RF64")):
        return head[8:12] in (b"AVI ", b"AMV ")
    # Transport streams: a sync byte at the start of each packet, of 188 bytes, or of 192 with a time before it.
    return any(
        len(head) > first + 4 * step and all(head[first + k * step] == 0x47 for k in range(5))
        for first, step in ((0, 188), (4, 192))
    )


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text: no control characters, and UTF-8, or UTF-16 with its mark."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if len(head) < _LEAST_TEXT_BYTES or any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) == _HEAD_BYTES and error.start >= len(head) - 3  # a character that the end cut
    return True


def _head(path: str) -> bytes:
    try:
        file = Path(path)
        # Not of pipes and devices, which would make this wait.
        if not file.is_file():
            return b""
        with file.open("rb") as opened:
            return opened.read(_HEAD_BYTES)
    except OSError:
        return b""
