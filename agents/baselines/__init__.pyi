from .presets import check_agent as check_agent
