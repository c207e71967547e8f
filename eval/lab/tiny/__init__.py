"""How the tiny models are made: its pictures and lessons, its architecture, its training, and the test it has to pass.

    python -m lvqa.eval.lab.tiny.train     trains the VLM again
    python -m lvqa.eval.lab.tiny.dual      trains the dual encoder again
    python -m lvqa.eval.lab.tiny.check     prints their figures on unseen frames

The weights lie in `weights`; `models` is how the laboratory loads them.
"""
