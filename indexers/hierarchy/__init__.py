"""The levels above clips: segments, videos, and the digest of an archive."""
