from .chat_file import CHATS_FILE as CHATS_FILE
from .memory import Asking as Asking, ChatSummary as ChatSummary, Memory as Memory
from .turns import Turn as Turn, UnderstandStep as UnderstandStep, Understood as Understood
