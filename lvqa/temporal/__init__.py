"""Intervals from looks at frames: boundaries, counts, orders, comparisons, durations, as small programs over time."""
