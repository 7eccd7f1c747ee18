"""Small graphics for the chest: landscapes, suns, arcs, flowers, words of invented places."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from Data.sample.palette import RGB

_SIZE = 480
WORDS = ("COAST", "SLOW", "NORTH", "ORBIT", "FIELD", "MONO", "HAVEN", "TIDE")


def _ink(colour: RGB) -> tuple[int, int, int, int]:
    return int(colour[0] * 255), int(colour[1] * 255), int(colour[2] * 255), 255


def _sunset(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    pen.ellipse((110, 70, 370, 330), fill=inks[0])
    for i in range(5):
        y = 210 + i * 27
        pen.rectangle((90, y, 390, y + 5 + 3 * i), fill=(0, 0, 0, 0))
    for i in range(3):
        y = 350 + i * 26
        wave = [(x, y + 9 * math.sin(x / 26 + i)) for x in range(70 + 24 * i, 411 - 24 * i, 6)]
        pen.line(wave, fill=inks[1], width=9, joint="curve")


def _mountains(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    pen.ellipse((270, 80, 360, 170), fill=inks[1])
    pen.polygon([(60, 350), (185, 130), (310, 350)], fill=inks[0])
    pen.polygon([(210, 350), (310, 205), (420, 350)], fill=inks[2])
    pen.polygon([(185, 130), (222, 195), (200, 185), (184, 205), (168, 184), (148, 196)], fill=inks[1])
    pen.rectangle((60, 362, 420, 370), fill=inks[0])


def _arcs(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    for i, r in enumerate((180, 145, 110, 75)):
        pen.pieslice((240 - r, 270 - r, 240 + r, 270 + r), 180, 360, fill=inks[i % len(inks)])
        inner = r - 24
        pen.pieslice((240 - inner, 270 - inner, 240 + inner, 270 + inner), 180, 360, fill=(0, 0, 0, 0))


def _blocks(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    pen.ellipse((70, 110, 260, 300), fill=inks[0])
    pen.rectangle((230, 190, 400, 360), fill=inks[1])
    pen.polygon([(130, 380), (240, 200), (350, 380)], fill=inks[2])


def _bloom(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    pen.line([(240, 220), (250, 330), (236, 430)], fill=inks[1], width=11, joint="curve")
    pen.polygon([(246, 360), (330, 300), (318, 360), (252, 392)], fill=inks[1])
    for i in range(8):
        angle = i * math.pi / 4
        x, y = 240 + 72 * math.cos(angle), 170 + 72 * math.sin(angle)
        pen.ellipse((x - 40, y - 40, x + 40, y + 40), fill=inks[0])
    pen.ellipse((196, 126, 284, 214), fill=inks[2])


def _star(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]]) -> None:
    for radius, ink in ((190, inks[1]), (150, inks[0])):
        spikes = []
        for i in range(10):
            r = radius if i % 2 == 0 else radius * 0.46
            angle = -math.pi / 2 + i * math.pi / 5
            spikes.append((240 + r * math.cos(angle), 250 + r * math.sin(angle)))
        pen.polygon(spikes, fill=ink)


def _word(pen: ImageDraw.ImageDraw, inks: list[tuple[int, int, int, int]], text: str) -> None:
    font = ImageFont.load_default(size=104)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font, stroke_width=3)
    pen.text(
        (240 - (left + right) / 2, 210 - (top + bottom) / 2),
        text,
        font=font,
        fill=inks[0],
        stroke_width=3,
        stroke_fill=inks[0],
    )
    pen.rectangle((110, 282, 370, 292), fill=inks[1])
    pen.rectangle((110, 302, 370, 306), fill=inks[1])


MOTIFS = ("sunset", "mountains", "arcs", "word", "blocks", "bloom", "star")


@lru_cache(maxsize=16)
def motif(number: int, colours: tuple[RGB, RGB, RGB]) -> npt.NDArray[np.float32]:
    """Draw graphic `number` in three colours.

    Returns:
        Premultiplied RGBA in 0..1. Shape: (4, 480, 480).
    """
    sheet = Image.new("RGBA", (_SIZE, _SIZE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(sheet)
    inks = [_ink(c) for c in colours]
    name = MOTIFS[number % len(MOTIFS)]
    if name == "word":
        _word(pen, inks, WORDS[(number // len(MOTIFS)) % len(WORDS)])
    else:
        {
            "sunset": _sunset,
            "mountains": _mountains,
            "arcs": _arcs,
            "blocks": _blocks,
            "bloom": _bloom,
            "star": _star,
        }[name](pen, inks)
    # Blurred by about half a picture pixel, so that reading the nearest texel stays smooth.
    soft = sheet.convert("RGBa").filter(ImageFilter.GaussianBlur(1.1))
    texels = np.frombuffer(soft.tobytes(), dtype=np.uint8).reshape(_SIZE, _SIZE, 4)
    return np.ascontiguousarray(texels.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
