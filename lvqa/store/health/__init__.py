"""Whether an index is whole, and what saves it where it is not."""
