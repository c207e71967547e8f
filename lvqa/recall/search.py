"""One search of a store by whoever asks no question: `lvqa search`, a scope of a chat. `Retriever` does the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lvqa.language.times import times
from lvqa.models.base import Embedder, ImageEmbedder
from lvqa.models.profiles import Models
from lvqa.recall.retriever import Retriever
from lvqa.recall.rules import CHANNELS, Channel, RecallRules
from lvqa.store import Filter, Store
from lvqa.types import Hit


def hybrid_search(
    store: Store,
    models: Models | Embedder | None,
    query: str,
    k: int,
    filter: Filter | None = None,
    *,
    channels: Sequence[Channel] = CHANNELS,
    image_embedder: ImageEmbedder | None = None,
    rules: RecallRules | None = None,
) -> list[Hit]:
    """The k best passages for a query, best first; see `Retriever.search`.

    `models` are an archive's models, or the embedder of its notes alone; None searches by words. A stretch of time that
    the query names ("between 10:00 and 12:00") is where it looks, unless the filter names one or nothing is there. The
    hits are of one state of the store, whatever others write meanwhile.
    """
    if isinstance(models, Models):
        embedder = models.embedder if "dense" in channels else None
        image_embedder = image_embedder or (models.image_embedder if "frames" in channels else None)
    else:
        embedder = models
    retriever = Retriever(store, embedder, image_embedder, channels=channels, rules=rules)
    named = times(query) if filter is None or filter.span is None else None

    def search() -> list[Hit]:
        if named is not None and (hits := retriever.search(query, k, replace(filter or Filter(), span=named))):
            return hits
        return retriever.search(query, k, filter)

    return store.consistent(search, again=retriever.forget)
