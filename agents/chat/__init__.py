"""Conversations: what a follow-up refers to, and how turns are kept."""
