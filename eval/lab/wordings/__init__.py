"""The grammar of the world's questions, and the programs that only its wordings ask for."""
