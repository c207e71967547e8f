"""Reading videos in a child process: what asks it, and the child's own side (`child`), which brings the decoders."""
