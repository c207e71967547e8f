"""Every searcher on one bench: targets with known times in long synthetic videos, at the same budgets of frames."""
