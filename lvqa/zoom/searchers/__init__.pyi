from .videotree import breadth as breadth, depth as depth
