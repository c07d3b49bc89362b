"""What is wrong with this machine, its camera, its model, its service; each with its fix."""
