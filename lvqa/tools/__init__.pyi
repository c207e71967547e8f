from .eyes import Eyes as Eyes, Showing as Showing, Shown as Shown, run as run
from .finding import FindResult as FindResult, find as find
from .ledger import BudgetSpent as BudgetSpent, Ledger as Ledger, estimate_tokens as estimate_tokens
from .prices import Prices as Prices
from .proposals import SearcherProposals as SearcherProposals
from .rules import RULES as RULES, ToolRules as ToolRules
from .scope import filter_of as filter_of, video_named as video_named, videos_named as videos_named
from .vision_calls import (
    charge_looks as charge_looks,
    charge_to as charge_to,
    generate as generate,
    probability_of_yes as probability_of_yes,
)
