"""From a video file to rows in the store."""
