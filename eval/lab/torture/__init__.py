"""What an archive has to survive: `python -m lvqa.eval.lab.torture` prints the table. A module a kind of harm."""
