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

CHATTER = re.compile(
    rb"^(INFO: |[IW]0000 |WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions: |fully_quantize: )"
)


@contextmanager
def hushed() -> Iterator[None]:
    """Hold standard error and warnings back during the block, then pass on what is not chatter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not CHATTER.match(line)))
