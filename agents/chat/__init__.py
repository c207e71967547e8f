"""Conversations: what a follow-up refers to, and how turns are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.agents.chat.chat_file import CHATS_FILE as CHATS_FILE
    from lvqa.agents.chat.memory import Asking as Asking
    from lvqa.agents.chat.memory import ChatSummary as ChatSummary
    from lvqa.agents.chat.memory import Memory as Memory
    from lvqa.agents.chat.turns import Turn as Turn
    from lvqa.agents.chat.turns import UnderstandStep as UnderstandStep
    from lvqa.agents.chat.turns import Understood as Understood

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "chat_file": ("CHATS_FILE",),
        "memory": ("Asking", "ChatSummary", "Memory"),
        "turns": ("Turn", "UnderstandStep", "Understood"),
    },
)
