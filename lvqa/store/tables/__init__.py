"""The tables of the index, an object each over one Store's connections: what is read of and written to its rows."""
