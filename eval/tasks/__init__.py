"""Tasks: public benchmarks of long-video question answering, each a small YAML file and a loader of its annotations."""
