"""Onto the device. Nothing yet: ssh install, SD card and activation will live here."""
