"""Runs an agent on a task: resumable, in parallel, every failure counted, and reports what that came to."""
