"""What a conversion has cost, for people: convert.html beside the file.

- The page is one file: nothing in it is fetched, no script runs, it can be mailed and printed.
- It is written whether the gate passes or refuses, and says which at its top, and why.
- Every figure that `galago convert --json` prints names its place in that document (`data-figure`,
  a JSON pointer); intervals, layers and single pictures come from the same scores.
- Labels, paths and messages are text, whatever characters they contain.
"""

from galago.convert.report.page import REPORT, write_report

__all__ = ["REPORT", "write_report"]
