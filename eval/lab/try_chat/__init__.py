"""A real small language model behind a server, asked with lvqa's own prompts: which of its replies can be read."""
