"""The daemon: capture, preprocess, invoke, decide, publish."""
