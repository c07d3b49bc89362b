"""What format a file's first bytes say it has, whatever its name claims.

name_of(content[:HEAD_BYTES])  # "JPEG"
"""

HEAD_BYTES = 16

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


def name_of(head: bytes) -> str | None:
    """The format that a file's first HEAD_BYTES tell; None where they tell of no picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return next((name for start, name in _STARTS if head.startswith(start)), None)
