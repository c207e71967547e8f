"""Finding video files and telling them apart by content. Knows file systems, opens nothing as video."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path

from lvqa.errors import MediaError
from lvqa.media.kinds import HIDDEN, SYSTEM, Sorter, is_system_folder

_BLOCK = 1 << 18
_INDEX_FOLDER = ".lvqa"

_log = logging.getLogger(__name__)


def shown(path: Path | str) -> str:
    """A path as one printable line: control characters and bytes that are no text are escaped."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def check_file(path: Path) -> os.stat_result:
    """Stat a file that is to be read as video, or raise MediaError for what is no readable, regular, filled file."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise MediaError(f"{shown(path)} is a link to a file that is not there; mend or delete the link") from error
        raise MediaError(f"{shown(path)} does not exist; check the path") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a NUL, or what the file system's encoding lacks
        raise MediaError(f"{shown(path)} is no file's name; name a file") from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{shown(path)} is a folder, not a video; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{shown(path)} is not a regular file; copy the video into one")
    if not status.st_size:
        raise MediaError(f"{shown(path)} is empty (0 bytes); copy it again from where it came")
    return status


def unreadable(path: Path, error: Exception) -> MediaError:
    """What the system says against reading a file, as one line."""
    code = getattr(error, "errno", None)
    name = shown(path)
    if isinstance(error, PermissionError):
        return MediaError(f"{name} cannot be read: permission denied; give this user the right to read it")
    if code == errno.ELOOP:
        return MediaError(f"{name} is a link that leads back to itself; mend or delete the link")
    if code == errno.ENAMETOOLONG:
        return MediaError(f"{name[:80]}... has too long a name; rename it")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(f"{name} cannot be read ({shown(reason)}); play it to check, or copy it again")


def locate(folder: Path, relative: str) -> Path:
    """The file of a video by its path in the index, which may come from elsewhere: never one outside the folder.

    A link inside the folder may lead out of it: whoever owns the folder made it.

    Raises:
        MediaError: the path is empty, absolute, or leads upwards.
    """
    path = Path(relative)
    if not path.parts or path.is_absolute() or path.drive or path.root or ".." in path.parts or "\0" in relative:
        raise MediaError(
            f"the index names {shown(relative)!r}, which is no file below its folder; index the videos anew, and do "
            "not trust where this index came from"
        )
    return folder / path


def present(folder: Path, relative: str) -> Path | None:
    """The file of a video by its path in the index, as `locate`; None where there is none, or may be none."""
    try:
        # A copy from another system may have its name in the other form of Unicode.
        forms = dict.fromkeys((relative, *(unicodedata.normalize(form, relative) for form in ("NFC", "NFD"))))
        return next((path for form in forms if (path := locate(folder, form)).is_file()), None)
    except (MediaError, OSError):
        return None


def content_hash(path: Path) -> str:
    """Hash a file's size and its head, middle and tail (256 KiB each): 64 hex digits, equally cheap for any size.

    Raises MediaError where the file cannot be read.
    """
    path = Path(path)
    size = check_file(path).st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    try:
        with path.open("rb") as file:
            starts = (0,) if size <= 3 * _BLOCK else (0, size // 2 - _BLOCK // 2, size - _BLOCK)
            for start in starts:
                file.seek(start)
                digest.update(file.read(3 * _BLOCK if len(starts) == 1 else _BLOCK))
    except PermissionError as error:
        raise unreadable(path, error) from error
    except OSError as error:
        raise MediaError(
            f"{shown(path)} cannot be read ({error.strerror}); check the disk, or copy it again"
        ) from error
    return digest.hexdigest()


def find_videos(
    folder: Path,
    *,
    on_problem: Callable[[Path, str], None] | None = None,
    on_passed: Callable[[str, str], None] = lambda path, kind: None,
) -> list[Path]:
    """Find every file below a folder that may be a video, sorted by path; `lvqa.media.kinds` says which.

    Links are followed, each real folder once, so loops end; hidden files and folders are left out, and those of NAS and
    system. A link to nothing is listed like any file: opening it says what is wrong.

    Args:
        folder: where to look.
        on_problem: told each subfolder that cannot be listed, and why; without it, that is logged as a warning.
        on_passed: told the path of each file and folder that is passed over, and of what kind it is.

    Raises:
        MediaError: the folder itself is missing, is a file, or cannot be listed.
    """
    folder = Path(folder)
    report = on_problem or (lambda where, why: _log.warning("%s: %s", shown(where), why))
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    sorter = Sorter(on_passed)

    def walk(here: Path) -> None:
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(here) as entries:
            listed = sorted(entries, key=lambda e: e.name)
        folders: list[Path] = []
        for entry in listed:
            path = os.path.join(here, entry.name)  # noqa: PTH118 - there may be a million
            if entry.name.startswith("."):
                if entry.name != _INDEX_FOLDER:
                    on_passed(path, HIDDEN)
            elif _is_folder(entry):
                if is_system_folder(entry.name):
                    on_passed(path, SYSTEM)
                else:
                    folders.append(here / entry.name)
            elif sorter.is_video(entry, path):
                found.append(here / entry.name)
        for below in folders:
            try:
                walk(below)
            except OSError as error:
                report(below, f"cannot be listed ({error.strerror}); its videos are left out")

    try:
        walk(folder)
    except FileNotFoundError as error:
        raise MediaError(f"{shown(folder)} does not exist; check the path") from error
    except NotADirectoryError as error:
        raise MediaError(f"{shown(folder)} is a file; name the folder it lies in") from error
    except OSError as error:
        raise MediaError(f"{shown(folder)} cannot be listed ({error.strerror}); check its permissions") from error
    return sorted([*found, *sorter.unclear()])


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself; opening it as a file says so
