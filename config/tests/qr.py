"""Codes as a camera meets them: what a PDF draws, what the door's decoder reads, and a film of one for a camera."""

import subprocess
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pypdf

_READER = Path(__file__).with_name("qr.mjs")
_POINTS_A_MM = 72 / 25.4
Squares = Sequence[Sequence[int]]


def drawn_squares(pdf: bytes, page: int = 0, *, millimetres: float) -> Squares:
    """Return the squares, 1 for dark, that the filled rectangles of a page make up; one has that side."""
    side = millimetres * _POINTS_A_MM
    found: list[tuple[float, float, float]] = []

    def noting(operator: bytes, operands: Sequence[float], *_: object) -> None:
        if operator == b"re":
            x, y, width, height = (float(one) for one in operands)
            assert abs(abs(height) - side) < 0.02, height
            found.append((x, -y, width))

    pypdf.PdfReader(BytesIO(pdf)).pages[page].extract_text(visitor_operand_before=noting)
    left, top = min(x for x, _, _ in found), min(y for _, y, _ in found)
    size = 1 + max(round((y - top) / side) for _, y, _ in found)
    squares = [[0] * size for _ in range(size)]
    for x, y, width in found:
        start = round((x - left) / side)
        for place in range(start, start + round(width / side)):
            squares[round((y - top) / side)][place] = 1
    return squares


def read(squares: Squares) -> str:
    """Return what the door's decoder reads in a picture of the squares. Needs node."""
    rows = "\n".join("".join(str(one) for one in row) for row in squares)
    done = subprocess.run(
        ["node", str(_READER)], input=rows, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def film(path: Path, squares: Squares, *, width: int = 640, height: int = 480) -> None:
    """Write a film (YUV4MPEG2) of a code on white, which Chromium's fake camera plays again and again."""
    scale = (height - 40) // (len(squares) + 8)
    side = scale * len(squares)
    left, top = (width - side) // 2, (height - side) // 2
    blank = bytes([235]) * width
    rows = [blank] * height
    for number, row in enumerate(squares):
        dark = b"".join(bytes([16 if one else 235]) * scale for one in row)
        line = bytes([235]) * left + dark + bytes([235]) * (width - left - side)
        for place in range(scale):
            rows[top + number * scale + place] = line
    frame = b"FRAME\n" + b"".join(rows) + bytes([128]) * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F5:1 Ip A1:1 C420jpeg\n".encode() + frame * 2)
