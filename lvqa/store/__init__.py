"""The index of an archive: SQLite is the truth, FAISS a cache of it. Knows nothing of models or media."""
