"""The page beside a converted file."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galago.convert.convert import Conversion

REPORT = "convert.html"


def write_report(conversion: "Conversion") -> None:
    """Write one self-contained page to `conversion.report`."""
    conversion.report.write_text("soon")
