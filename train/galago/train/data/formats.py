"""What format a file's first bytes say it has, whatever its name claims.

name_of(content[:HEAD_BYTES])  # "JPEG"
"""

HEAD_BYTES = 16
TAIL_BYTES = 12

# By the suffix that Galago reads; the others by what people hand in all the same.
BY_SUFFIX = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WebP"}
UNREAD_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("heic", "heif", "avif", "gif", "tif", "tiff", "jxl", "jp2", "jfif", "ppm"),
        *("raw", "dng", "cr2", "cr3", "nef", "arw", "orf", "rw2"),
        *("mp4", "mov", "avi", "mkv"),
    )
)

_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
)
# ISO base media: four bytes of length, "ftyp", the brand.
_BRANDS = {
    b"avif": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
}

_END_OF_PNG = b"\0\0\0\0IEND\xaeB`\x82"
_END_OF_JPEG = b"\xff\xd9"
_START_OF_SCAN = 0xDA


def name_of(head: bytes) -> str | None:
    """The format that a file's first HEAD_BYTES tell; None where they tell of no picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return next((name for start, name in _STARTS if head.startswith(start)), None)


def ends(tail: bytes) -> bool:
    """Whether a file's last TAIL_BYTES are the end of a JPEG or PNG; others may lie behind it."""
    return tail.endswith((_END_OF_JPEG, _END_OF_PNG))


def is_cut_off(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end; other formats are not asked."""
    match name_of(content[:HEAD_BYTES]):
        case "JPEG":
            # Behind the header: a thumbnail in it has an end of its own.
            return content.find(_END_OF_JPEG, _scan(content)) < 0
        case "PNG":
            return content.find(_END_OF_PNG) < 0
        case _:
            return False


def _scan(content: bytes) -> int:
    """Where a JPEG's header ends and its picture begins."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != _START_OF_SCAN:
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return at
