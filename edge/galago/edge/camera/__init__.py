"""Cameras, real and recorded, behind one protocol.

with open_camera("file:clip.mp4") as camera:
    for frame in camera:
        show(frame.pixels)
"""

from galago.edge.camera.base import Camera, Frame
from galago.edge.camera.source import open_camera

__all__ = ["Camera", "Frame", "open_camera"]
