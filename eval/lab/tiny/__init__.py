"""How `builtin:tiny` is made: its pictures and lessons, its architecture, its training, and the test it has to pass.

    python -m lvqa.eval.lab.tiny.train     trains the VLM again
    python -m lvqa.eval.lab.tiny.dual      trains the dual encoder again
    python -m lvqa.eval.lab.tiny.check     prints the figures of the README on unseen frames

The weights lie in lvqa/models/tiny; nothing of the library imports this package.
"""
