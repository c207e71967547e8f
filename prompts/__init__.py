"""Every prompt, as a Markdown file with named holes."""
