"""How an archive travels: export, import, backup."""
