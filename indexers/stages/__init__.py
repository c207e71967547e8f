"""What is done with one video, a module a stage: look, read the screen, listen, caption, embed, assemble."""
