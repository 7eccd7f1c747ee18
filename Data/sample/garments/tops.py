"""The common build of everything worn above the waist: a body, a neck, two sleeves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import Rng, jitter, label, pick, seam
from Data.sample.geometry import Knot, Points, curve, mirrored, ribbon, side
from Data.sample.painter import Decal, Element, Part, Seam
from Data.sample.shading import Fold


@dataclass(frozen=True)
class TopCut:
    """Measures of a top in pixels, x from the middle, y down the picture; angles in degrees from straight down."""

    neck: float = 44
    neck_y: float = 78
    dip: float = 34
    neckline: str = "crew"
    shoulder: float = 118
    shoulder_y: float = 106
    armpit: float = 109
    armpit_y: float = 214
    waist: float = 106
    hem: float = 109
    length: float = 492
    hem_drop: float = 5
    sleeve: str = "short"
    sleeve_length: float = 96
    cuff: float = 84
    angle: float = 44
    bend: float = 14

    def neck_knots(self) -> list[Knot]:
        """The right half of the front neckline, from the middle to the neck point."""
        n, y, d = self.neck, self.neck_y, self.dip
        if self.neckline == "v":
            return [(0, y + d, 1), (n * 0.46, y + d * 0.52), (n, y, 1)]
        if self.neckline == "square":
            return [(0, y + d), (n * 0.86, y + d - 2, 1), (n, y, 1)]
        if self.neckline == "boat":
            return [(0, y + d), (n * 0.6, y + d * 0.7), (n, y, 1)]
        return [(0, y + d), (n * 0.55, y + d * 0.86), (n * 0.93, y + d * 0.42), (n, y, 1)]

    def neck_path(self) -> Points:
        """The whole front neckline, from the left neck point to the right."""
        half = self.neck_knots()
        return curve([*[(-k[0], *k[1:]) for k in reversed(half)][:-1], *half], closed=False)

    def body(self) -> Points:
        """The outline of the front."""
        half: list[Knot] = [
            *self.neck_knots(),
            (self.shoulder, self.shoulder_y, 1),
            (self.shoulder - 7, self.shoulder_y + 48),
            (self.armpit - 5, self.armpit_y - 26),
            (self.armpit, self.armpit_y, 1),
            (self.waist, self.armpit_y + 0.48 * (self.length - self.armpit_y)),
            (self.hem, self.length, 1),
            (self.hem * 0.55, self.length + self.hem_drop * 0.8),
            (0, self.length + self.hem_drop),
        ]
        return curve(mirrored(half))

    def joint(self) -> tuple[float, float]:
        """The middle of the armhole on the right."""
        return (self.shoulder + self.armpit) / 2 - 3, (self.shoulder_y + self.armpit_y) / 2

    def arm(self) -> tuple[tuple[float, float], tuple[float, float], float, float]:
        """The right elbow and wrist, and the directions (radians) of the upper and lower arm."""
        a1 = math.radians(self.angle)
        a2 = math.radians(self.angle - (self.bend if self.sleeve == "long" else 0))
        share = 0.5
        x, y = self.joint()
        elbow = x + math.sin(a1) * self.sleeve_length * share, y + math.cos(a1) * self.sleeve_length * share
        wrist = (
            elbow[0] + math.sin(a2) * self.sleeve_length * (1 - share),
            elbow[1] + math.cos(a2) * self.sleeve_length * (1 - share),
        )
        return elbow, wrist, a1, a2

    def sleeve_knots(self) -> list[Knot]:
        """The right sleeve."""
        elbow, wrist, a1, a2 = self.arm()
        root = math.hypot(self.shoulder - self.armpit, self.shoulder_y - self.armpit_y)
        middle = (root * 0.82 + self.cuff) / 2 if self.sleeve == "long" else (root + self.cuff) / 2
        n1, n2 = (math.cos(a1), -math.sin(a1)), (math.cos(a2), -math.sin(a2))
        knots: list[Knot] = [
            (self.shoulder - 2, self.shoulder_y, 1),
            (self.shoulder + 9, self.shoulder_y + 8),
            (elbow[0] + n1[0] * middle / 2, elbow[1] + n1[1] * middle / 2),
            (wrist[0] + n2[0] * self.cuff / 2, wrist[1] + n2[1] * self.cuff / 2, 1),
            (wrist[0] - n2[0] * self.cuff / 2, wrist[1] - n2[1] * self.cuff / 2, 1),
            (elbow[0] - n1[0] * middle / 2, elbow[1] - n1[1] * middle / 2),
            (self.armpit - 3, self.armpit_y - 1, 1),
            (self.armpit - 26, self.armpit_y - 20),
            (self.shoulder - 34, self.shoulder_y + 30),
        ]
        return knots

    def sleeve_outlines(self) -> tuple[Points, ...]:
        """Both sleeves, or none."""
        if self.sleeve == "none":
            return ()
        return tuple(curve(side(self.sleeve_knots(), sign)) for sign in (-1, 1))

    def armholes(self) -> list[Element]:
        """The seams that join the sleeves to the body."""
        line: list[Knot] = [
            (self.shoulder, self.shoulder_y, 1),
            (self.shoulder - 7, self.shoulder_y + 48),
            (self.armpit - 5, self.armpit_y - 26),
            (self.armpit, self.armpit_y, 1),
        ]
        return [seam(*side(line, sign), strength=0.34, width=1.6) for sign in (-1, 1)]

    def wrist_band(self, depth: float, grow: float = 0.0) -> list[Knot]:
        """The right cuff, `depth` pixels long, `grow` pixels wider than the sleeve's end."""
        _, wrist, _, a2 = self.arm()
        d, n, h = (math.sin(a2), math.cos(a2)), (math.cos(a2), -math.sin(a2)), (self.cuff + grow) / 2
        tip = wrist[0] + d[0] * depth, wrist[1] + d[1] * depth
        h2 = h - 1.5
        return [
            (wrist[0] + n[0] * h, wrist[1] + n[1] * h, 1),
            (tip[0] + n[0] * h2, tip[1] + n[1] * h2, 1),
            (tip[0] - n[0] * h2, tip[1] - n[1] * h2, 1),
            (wrist[0] - n[0] * h, wrist[1] - n[1] * h, 1),
        ]


def inside(cut: TopCut, cloth: Cloth, *, tag: bool = True, rise: float = 7) -> list[Element]:
    """Return the inside of the back, which shows through the neck."""
    n, y, d = cut.neck, cut.neck_y, cut.dip
    half: list[Knot] = [
        (0, y + rise),
        (n * 0.6, y + rise * 0.7),
        (n + 1, y, 1),
        (n * 0.9, y + d * 0.7 + 12),
        (0, y + d + 16),
    ]
    items: list[Element] = [Part(curve(mirrored(half)), cloth, puff=0.2, edge=6, tone=0.66, wrinkle=0.3, cast=0)]
    rim: list[Knot] = [
        (-n, y + 3),
        (-n * 0.6, y + rise * 0.7 + 5),
        (0, y + rise + 6),
        (n * 0.6, y + rise * 0.7 + 5),
        (n, y + 3),
    ]
    items.append(Seam(curve(rim, closed=False), "seam", None, 1.5, 0.25))
    if tag and d > 22:
        items += label(0, y + rise + 13, 18, 10)
    return items


def neck_band(cut: TopCut, cloth: Cloth, width: float = 9.0) -> list[Element]:
    """Return the band sewn along the front neckline."""
    path = cut.neck_path()
    items: list[Element] = [
        Part(ribbon(path, width), cloth, puff=0.55, edge=5, wrinkle=0, cast=0.22),
    ]
    shifted = path * np.array([1 + width * 0.62 / max(cut.neck, 1), 1.0]) + np.array([0, width * 0.62])
    items.append(Seam(shifted, "seam", None, 1.2, 0.16))
    return items


def sleeve_folds(rng: Rng, cut: TopCut, sign: int) -> tuple[Fold, ...]:
    """Return the creases of a sleeve: across the elbow when long, from the armpit when short."""
    elbow, wrist, _a1, _a2 = cut.arm()
    folds: list[Fold] = []
    ax, ay = cut.armpit, cut.armpit_y
    folds.extend(
        Fold(
            sign * (ax + pick(rng, -4, 10)),
            ay - pick(rng, 8, 34),
            sign * (elbow[0] + pick(rng, 0, 26)),
            elbow[1] + pick(rng, -34, 20),
            pick(rng, 5, 8),
            pick(rng, 2.2, 4.2),
            pick(rng, -5, 5),
        )
        for _ in range(3)
    )
    if cut.sleeve == "long":
        for i in range(4):
            t = -0.25 + 0.22 * i + pick(rng, -0.05, 0.05)
            x = elbow[0] + (wrist[0] - elbow[0]) * t
            y = elbow[1] + (wrist[1] - elbow[1]) * t
            reach = cut.cuff * 0.62
            tilt = pick(rng, -18, 18)
            folds.append(
                Fold(
                    sign * (x - reach),
                    y + tilt,
                    sign * (x + reach),
                    y - tilt,
                    pick(rng, 5, 8),
                    pick(rng, 1.8, 3.8),
                    pick(rng, -4, 4),
                    1.2,
                    (0.3, 0.4),
                )
            )
        for i in range(2):
            t = 0.84 - 0.13 * i
            x, y = elbow[0] + (wrist[0] - elbow[0]) * t, elbow[1] + (wrist[1] - elbow[1]) * t
            folds.append(
                Fold(
                    sign * (x - cut.cuff * 0.6),
                    y + 6,
                    sign * (x + cut.cuff * 0.6),
                    y - 6,
                    5,
                    pick(rng, 2, 3.6),
                    2,
                    1.0,
                    (0.2, 0.2),
                )
            )
    return tuple(folds)


def sleeves(rng: Rng, cut: TopCut, cloth: Cloth, *, puff: float = 0.55, wrinkle: float = 0.9) -> list[Element]:
    """Return both sleeves; the pattern turns with the arm."""
    items: list[Element] = []
    _, _, a1, a2 = cut.arm()
    items.extend(
        Part(
            curve(side(cut.sleeve_knots(), sign)),
            cloth,
            folds=sleeve_folds(rng, cut, sign),
            grain=-sign * (a1 + a2) / 2,
            edge=cut.cuff * 0.30,
            puff=puff,
            wrinkle=wrinkle,
            cast=0.2,
            sewn_to=(cut.body(),),
        )
        for sign in (-1, 1)
    )
    return items


def cuff_hems(cut: TopCut, inset: float = 9.0) -> list[Element]:
    """Return the hem stitched around each sleeve's end."""
    _, wrist, _, a2 = cut.arm()
    d, n, h = (math.sin(a2), math.cos(a2)), (math.cos(a2), -math.sin(a2)), cut.cuff / 2 + 3
    x, y = wrist[0] - d[0] * inset, wrist[1] - d[1] * inset
    items: list[Element] = []
    items.extend(
        seam((sign * (x + n[0] * h), y + n[1] * h), (sign * (x - n[0] * h), y - n[1] * h), strength=0.2, width=1.2)
        for sign in (-1, 1)
    )
    return items


def drape(rng: Rng, cut: TopCut, *, strength: float = 1.0) -> tuple[Fold, ...]:
    """Return the folds of a hanging body: from the armpits inwards, and soft lengths towards the hem."""
    folds: list[Fold] = []
    span = cut.length - cut.armpit_y
    for sign in (-1, 1):
        folds.extend(
            Fold(
                sign * (cut.armpit - pick(rng, 2, 12)),
                cut.armpit_y + pick(rng, -26, 14),
                sign * pick(rng, 18, 62),
                cut.armpit_y + pick(rng, 34, 150),
                pick(rng, 7, 11),
                strength * pick(rng, 2.4, 4.6),
                pick(rng, -10, 10),
                1.7,
                (0.12, 0.6),
            )
            for _ in range(3)
        )
        folds.append(
            Fold(
                sign * (cut.shoulder - 18),
                cut.shoulder_y + 22,
                sign * pick(rng, 20, 48),
                cut.armpit_y + pick(rng, -20, 30),
                9,
                strength * 2.2,
                pick(rng, -8, 8),
                1.6,
                (0.3, 0.5),
            )
        )
        folds.append(
            Fold(
                sign * (cut.waist - 4),
                cut.armpit_y + span * pick(rng, 0.45, 0.6),
                sign * pick(rng, 20, 50),
                cut.armpit_y + span * pick(rng, 0.5, 0.8),
                8,
                strength * pick(rng, 2, 3.6),
                pick(rng, -10, 10),
                1.8,
                (0.12, 0.6),
            )
        )
    for i in range(5):
        x = cut.hem * (-0.8 + 0.4 * i) + pick(rng, -14, 14)
        folds.append(
            Fold(
                x * 0.86,
                cut.armpit_y + span * pick(rng, 0.4, 0.7),
                x,
                cut.length + 8,
                pick(rng, 9, 14),
                strength * pick(rng, 2.2, 4.4),
                pick(rng, -8, 8),
                1.5,
                (0.5, 0.05),
            )
        )
    return tuple(folds)


def body(
    rng: Rng, cut: TopCut, cloth: Cloth, *, decal: Decal | None = None, strength: float = 1.0, puff: float = 0.5
) -> list[Element]:
    """Return the front with its folds."""
    return [
        Part(
            cut.body(),
            cloth,
            folds=drape(rng, cut, strength=strength),
            edge=24,
            puff=puff,
            wrinkle=0.9 * strength,
            cast=0.20,
            decal=decal,
            sewn_to=cut.sleeve_outlines(),
        ),
        *cut.armholes(),
    ]


def hem_line(cut: TopCut, up: float = 13, *, strength: float = 0.2) -> Seam:
    """Return the seam that runs along the hem."""
    y = cut.length - up
    return seam(
        (-cut.hem - 4, y),
        (-cut.hem * 0.5, y + cut.hem_drop * 0.8),
        (0, y + cut.hem_drop),
        (cut.hem * 0.5, y + cut.hem_drop * 0.8),
        (cut.hem + 4, y),
        strength=strength,
        width=1.2,
    )


def sewn_neck(cut: TopCut, rng: Rng) -> TopCut:
    """Return the cut with its measures varied a little."""
    return TopCut(
        jitter(rng, cut.neck, 0.06),
        cut.neck_y,
        jitter(rng, cut.dip, 0.12),
        cut.neckline,
        jitter(rng, cut.shoulder, 0.04),
        cut.shoulder_y,
        jitter(rng, cut.armpit, 0.04),
        jitter(rng, cut.armpit_y, 0.02),
        jitter(rng, cut.waist, 0.05),
        jitter(rng, cut.hem, 0.05),
        jitter(rng, cut.length, 0.03),
        cut.hem_drop,
        cut.sleeve,
        jitter(rng, cut.sleeve_length, 0.06),
        jitter(rng, cut.cuff, 0.06),
        jitter(rng, cut.angle, 0.08),
        cut.bend,
    )
