"""Search by words and by vectors: files beside the database, all of them caches of it."""
