"""What happens in a video of the world and how it looks: `make` makes scenes up, `truth` is their exact record, `draw`
paints a frame, `render` writes the file, `pixels` reads frames back.
"""
