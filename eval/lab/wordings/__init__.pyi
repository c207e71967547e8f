from .planner import WorldPlanner as WorldPlanner
