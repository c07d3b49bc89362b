"""Galago beside others: one clip, one model, one machine, one run.

    PYTHONPATH=bench python -m peers

- Every peer is a process of its own in an environment of its own, made from the project's locks.
- All see the same frames, 640 × 480, and, but for Keras, run the same uint8 file.
- They take turns, round by round, so that a busy machine disturbs all alike.
- Each is written as its own documentation or example shows, in subjects/.
"""
