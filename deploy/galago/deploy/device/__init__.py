"""The installer, as it runs on the device.

It runs with the system's own Python, straight out of Galago's wheel, before anything is installed:
the standard library, galago.errors and galago.files are all that it imports.

    PYTHONPATH=wheels/galago-0.1.0-py3-none-any.whl python3 -P -m galago.deploy.device install .
"""
