"""The comparison as a picture: a bar for each peer, a block for each size, one logarithmic axis.

- Plain SVG without scripts or fonts; its colours follow the reader's light or dark setting.
- The numbers stand beside the bars: nothing must be read off the axis.

Convention: x to the right and y down, in pixels of the drawing.
"""

import math
import statistics
from collections.abc import Sequence
from html import escape

from peers.results import GALAGO, PEERS, Size

WIDTH = 860
LEFT, RIGHT = 300, 90  # for the names and for the numbers
TOP, BAR, GAP = 66, 17, 6
HEAD, FOOT = 34, 54  # above each block, below the last

TITLE = "Frames per second, from a 640 × 480 frame in memory to its class"
SUBTITLE = (
    "The same frames and the same network for all, one interpreter thread (TensorFlow: its own "
    "default); medians, logarithmic"
)

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1c2421; }
  .title { font-size: 17px; font-weight: 600; }
  .quiet { fill: #56605b; font-size: 12px; }
  .size { font-weight: 600; }
  .ours { fill: #0a6c5e; } .theirs { fill: #b9c0b8; } .floor { fill: none; stroke: #8b948d; }
  .grid { stroke: #dfdbd0; } .paper { fill: #faf8f3; }
  .bold { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ebe6; } .quiet { fill: #a2ada7; }
    .ours { fill: #5ccfb8; } .theirs { fill: #4d5853; } .floor { stroke: #77827c; }
    .grid { stroke: #353d39; } .paper { fill: #121615; }
  }
"""


def draw(sizes: Sequence[Size], note: str) -> str:
    """An SVG document; `note` stands below it in small letters."""
    rates = [_rate(size, peer.key) for size in sizes for peer in PEERS]
    found = [rate for rate in rates if rate]
    low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    blocks, y = [], TOP
    for size in sizes:
        blocks.append(_block(size, y, low, high))
        y += HEAD + (BAR + GAP) * len(_rows(size))
    height = y + FOOT
    told = "; ".join(_told(size) for size in sizes)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title told">',
            '<title id="title">Frames per second, Galago and others</title>',
            f'<desc id="told">{escape(told)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
            _text("title", 20, 32, TITLE),
            _text("quiet", 20, 52, SUBTITLE),
            *_grid(low, high, TOP + 10, y + 4),
            *blocks,
            _text("quiet", 20, height - 10, note),
            "</svg>",
            "",
        ]
    )


def _block(size: Size, top: int, low: int, high: int) -> str:
    parts = [_text("size", 20, top + HEAD - 10, f"{size.side} × {size.side}, {size.model}")]
    for row, (key, name, rate) in enumerate(_rows(size)):
        y = top + HEAD + row * (BAR + GAP)
        end = _x(rate, low, high)
        style = {GALAGO: "ours", "floor": "floor"}.get(key, "theirs")
        bold = " bold" if key == GALAGO else ""
        parts += [
            _text(f"quiet{bold}", LEFT - 10, y + 13, name, anchor="end"),
            f'<rect class="{style}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}"/>',
            _text(f"quiet{bold}", end + 6, y + 13, _round(rate)),
        ]
    return "\n".join(parts)


def _grid(low: int, high: int, top: int, bottom: int) -> list[str]:
    lines = []
    for power in range(low, high + 1):
        x = _x(10.0**power, low, high)
        lines += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>',
            _text("quiet", x, bottom + 13, _round(10.0**power), anchor="middle"),
        ]
    return lines


def _text(style: str, x: float, y: float, text: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'


def _rows(size: Size) -> list[tuple[str, str, float]]:
    rows = [(peer.key, peer.name.replace("`", ""), _rate(size, peer.key)) for peer in PEERS]
    return [(key, name, rate) for key, name, rate in rows if rate]


def _rate(size: Size, key: str) -> float:
    rates = size.rates(key, "memory")
    return statistics.median(rates) if rates else 0.0


def _told(size: Size) -> str:
    rates = ", ".join(f"{name} {_round(rate)}" for _, name, rate in _rows(size))
    return f"{size.side} pixels: {rates}"


def _x(rate: float, low: int, high: int) -> float:
    return LEFT + (math.log10(rate) - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _round(rate: float) -> str:
    return f"{rate:,.0f}".replace(",", " ") if rate >= 10 else f"{rate:.1f}".removesuffix(".0")
