"""Models of transformers: vision-language models, language models as chat models, and what both share."""
