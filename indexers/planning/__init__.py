"""What an index run would do, and why: decided before anything is done."""
