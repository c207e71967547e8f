"""What an archive has to survive: `python -m lvqa.eval.torture` prints the table. A module here is one kind of harm."""
