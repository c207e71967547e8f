from .plain import PlainJson as PlainJson
from .runs import RUNS_FILE as RUNS_FILE, Run as Run, Runs as Runs
