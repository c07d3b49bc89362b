"""See the package."""

Picamera2Camera = None
