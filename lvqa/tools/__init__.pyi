from .eyes import Eyes as Eyes, Showing as Showing, Shown as Shown, run as run
from .find import FindResult as FindResult, sought as sought
from .frames import FramePicture as FramePicture, FramesResult as FramesResult
from .ledger import BudgetSpent as BudgetSpent, Ledger as Ledger, estimate_tokens as estimate_tokens
from .look import LookResult as LookResult, is_not_visible as is_not_visible
from .measure import Measurement as Measurement, told_by_notes as told_by_notes
from .overview import Overview as Overview, VideoOverview as VideoOverview
from .prices import Prices as Prices
from .proposals import SearcherProposals as SearcherProposals
from .read import ReadNotes as ReadNotes
from .rules import RULES as RULES, ToolRules as ToolRules
from .scope import filter_of as filter_of, video_named as video_named, videos_named as videos_named
from .search import Passages as Passages
from .verify import Verification as Verification
from .vision_calls import (
    charge_looks as charge_looks,
    charge_to as charge_to,
    generate as generate,
    probability_of_yes as probability_of_yes,
)
from .workbench import Captioner as Captioner, Workbench as Workbench
