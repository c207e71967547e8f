"""The nodes of the agent's graph, a module each, named as the graph names them."""
