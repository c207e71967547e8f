"""What is asked about videos of the world: `facts` are there to ask about, `drafts` and `templates` word them, `make`
chooses and balances, `grade` marks answers, `blind` tries without the video.
"""
