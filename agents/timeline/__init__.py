"""Reasoning over time without a chat model (`builtin:timeline`): a question becomes a program over presence.

`parse` reads the question, `presence` says where things may be by the index, `settle` finds their intervals with the
VLM, `programs` and `changes` compute the answer, `match` finds the option that says the same.
"""
