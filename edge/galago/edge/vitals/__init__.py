"""How the camera and its machine are: measured, judged, and told in one document."""
