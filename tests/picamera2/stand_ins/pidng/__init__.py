"""Stands in for PiDNG, with which picamera2 writes raw files.

It needs a compiler, and no test writes one.
"""
