"""Models by role: seeing, embedding, detecting, reading, transcribing. Knows nothing of videos or the store."""
