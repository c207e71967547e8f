"""Free-form text values of an index, by name. Knows nothing of what they mean."""

from __future__ import annotations

from lvqa.store.checksums import upsert
from lvqa.store.database import Connections
from lvqa.store.keys import clean_text


class MetaTable:
    """Free-form text values of an index, by name."""

    def __init__(self, connections: Connections) -> None:
        self._c = connections

    def get(self, key: str, default: str | None = None) -> str | None:
        """The value of a key, or the default."""
        found = self._c.row("SELECT value FROM meta WHERE key = ?", (key,))
        return default if found is None else str(found[0])

    def starting(self, prefix: str) -> dict[str, str]:
        """The values of all keys that begin so, by key."""
        return dict(self._c.rows("SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(prefix), prefix)))

    def set(self, key: str, value: str) -> None:
        """Set the value of a key. Raises StoreError where the store was opened for reading."""
        with self._c.atomic():
            self._c.write(upsert("meta", "(key)"), (key, clean_text(value)))

    def delete(self, key: str) -> None:
        """Forget the value of a key. Raises StoreError where the store was opened for reading."""
        with self._c.atomic():
            self._c.write("DELETE FROM meta WHERE key = ?", (key,))
