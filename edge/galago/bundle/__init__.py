"""What a model file is, and how every program opens it."""
