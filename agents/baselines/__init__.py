"""The field's methods as presets of the same graph, and what they need of their own."""
