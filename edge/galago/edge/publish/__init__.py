"""Telling others of events: each publisher by itself, at least once, none in the loop's way."""
