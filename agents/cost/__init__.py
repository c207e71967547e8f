"""What an answer would take, before it is asked."""
