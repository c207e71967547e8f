"""The searchers, a module each: ours, and those of the literature."""
