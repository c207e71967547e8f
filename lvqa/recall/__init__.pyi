from .places import places as places
from .ranking import LITERAL_BONUS as LITERAL_BONUS, literalness as literalness, merge as merge, rank as rank
from .relevance import dense_closeness as dense_closeness, lexical_closeness as lexical_closeness
from .retriever import Retriever as Retriever
from .rules import CHANNELS as CHANNELS, Channel as Channel, RecallRules as RecallRules
from .search import hybrid_search as hybrid_search
from .spelling import did_you_mean as did_you_mean
