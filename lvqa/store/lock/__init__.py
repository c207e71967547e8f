"""One writer to an archive, and who that is."""
