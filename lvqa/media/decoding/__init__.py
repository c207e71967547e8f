"""Reading videos in this process, through PyAV or decord; the child that decodes does it with this."""
