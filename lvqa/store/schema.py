"""Which schema this lvqa writes, apart from the migrations so that reading an index need not load sqlite-utils."""

from __future__ import annotations

APPLICATION_ID = 0x6C767161  # "lvqa", in the header of the file
SCHEMA_VERSION = 7
