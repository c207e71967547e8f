"""Video files, sound and subtitles: what is in them and when. Knows nothing of models or the store."""
