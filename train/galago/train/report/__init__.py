"""A run's figures for people (report.html) and for programs (metrics.json).

- The page is one file: nothing in it is fetched, no script runs, it can be mailed and printed.
- Every figure of the model is taken from the document that metrics.json is, and names its place in
  it (`data-figure`, a JSON pointer); a test compares the two.
- Labels, paths and messages are text, whatever characters they contain.
"""

from galago.train.report.page import write_metrics, write_report

__all__ = ["write_metrics", "write_report"]
