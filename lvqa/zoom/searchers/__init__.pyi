from .videotree import VideoTree as VideoTree, breadth as breadth, depth as depth
