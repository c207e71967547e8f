"""A process of a pool that reads without a model: run by `test_ocr_pool`."""

import os
import sys

from lvqa.errors import ModelError
from lvqa.models.base import Frame
from lvqa.models.ocr_pool import serve
from lvqa.models.text_lines import TextLine


def read(frame: Frame) -> list[TextLine]:
    """The frame's first value, as text; some values are told apart."""
    value = int(frame.flat[0])
    print("a library that talks")
    if value == 250:
        raise ModelError("the engine is out of memory")
    if value == 251:
        raise KeyError("a bug")
    if value == 252:
        os._exit(9)
    return [TextLine(f"{sys.argv[1]} {value}", 1.0, (0, 0, 1, 1)), TextLine(str(os.getpid()), 1.0, (0, 5, 1, 6))]


if __name__ == "__main__":
    serve(read)
