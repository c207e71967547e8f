from .calibration import Curve as Curve, on_curve as on_curve
from .citations import read_choice as read_choice
from .cost.estimate import Estimate as Estimate
from .graph import build_graph as build_graph
from .options import options_block as options_block
from .replay import searches_of as searches_of
from .run import ask as ask, stream as stream
from .stop import Stop as Stop, until_answered as until_answered, was_stopped as was_stopped
from .structured import ask_for as ask_for
