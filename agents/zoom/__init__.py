"""Choosing the frames that are worth a look."""
