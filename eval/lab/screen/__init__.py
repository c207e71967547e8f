"""How well the text on the screen is followed: archives whose text is known, and what an index of them holds."""
