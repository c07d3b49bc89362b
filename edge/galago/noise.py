"""Keep the chatter of C++ libraries off the user's screen.

TensorFlow and LiteRT write lines like "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
straight to file descriptor 2, past Python's logging, and warn of their own deprecations. Only lines
known to be chatter are dropped; a line that is not reaches the screen when the block is over.
"""

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

CHATTER = re.compile(
    rb"^(INFO: |[IW]0000 |WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions: |fully_quantize: |"
    # Image decoders on damaged files, which Galago names itself.
    rb"Corrupt JPEG data|Premature end of JPEG|Invalid SOS|Unsupported marker|libpng |\[ *WARN:)"
)


@contextmanager
def hushed() -> Iterator[TextIO]:
    """Hold standard error and warnings back during the block, then pass on what is not chatter.

    Yields a text file that still reaches the screen, for progress.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(held.fileno(), 2)
        screen = os.fdopen(kept, "w", closefd=False)
        try:
            yield screen
        finally:
            screen.flush()
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not CHATTER.match(line)))
