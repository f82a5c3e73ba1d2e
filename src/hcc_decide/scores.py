"""Child–Pugh points and the ALBI score: the arithmetic that rules cannot do.

The formulas and their cut-offs are the published ones; which class or grade a score means is a staging rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Span = tuple[float, float]


UMOL_L_PER_MG_DL = 17.1
"""Bilirubin: µmol/L in one mg/dL."""


def bilirubin_points(bilirubin_umol_l: float) -> int:
    """Child–Pugh points for total bilirubin in µmol/L: below 2 mg/dL (34.2 µmol/L), up to 3 mg/dL (51.3), above.

    >>> [bilirubin_points(value) for value in (34.1, 34.2, 51.3, 51.4)]
    [1, 2, 2, 3]
    """
    # Rounded, because 3 mg/dL converted to µmol/L and back must still be 3 mg/dL.
    mg_dl = round(bilirubin_umol_l / UMOL_L_PER_MG_DL, 9)
    return 1 if mg_dl < 2 else 2 if mg_dl <= 3 else 3


def albumin_points(albumin_g_l: float) -> int:
    """Child–Pugh points for albumin in g/L: above 35, 28 to 35, below 28.

    >>> [albumin_points(value) for value in (35.1, 35, 28, 27.9)]
    [1, 2, 2, 3]
    """
    return 1 if albumin_g_l > 35 else 2 if albumin_g_l >= 28 else 3


def inr_points(inr: float) -> int:
    """Child–Pugh points for INR: below 1.7, 1.7 to 2.3, above 2.3.

    >>> [inr_points(value) for value in (1.69, 1.7, 2.3, 2.31)]
    [1, 2, 2, 3]
    """
    return 1 if inr < 1.7 else 2 if inr <= 2.3 else 3


CUT_OFFS: Mapping[str, tuple[float, float]] = {
    "bilirubin_umol_l": (2 * UMOL_L_PER_MG_DL, 3 * UMOL_L_PER_MG_DL),
    "albumin_g_l": (28, 35),
    "inr": (1.7, 2.3),
}
"""Where the Child–Pugh points of a laboratory value change."""

POINTS: Mapping[str, Callable[[float], int]] = {
    "bilirubin_umol_l": bilirubin_points,
    "albumin_g_l": albumin_points,
    "inr": inr_points,
}
"""How they are told."""

_ASCITES = {"none": 1, "mild": 2, "moderate_severe": 3}
_ENCEPHALOPATHY = {"none": 1, "grade_1_2": 2, "grade_3_4": 3}


def child_pugh_points(
    bilirubin_umol_l: float | None,
    albumin_g_l: float | None,
    inr: float | None,
    ascites: str | None,
    encephalopathy: str | None,
) -> Span:
    """Sum the five Child–Pugh items; a missing item (``None``) counts from 1 to 3 points.

    Args:
        bilirubin_umol_l: total bilirubin, µmol/L.
        albumin_g_l: albumin, g/L.
        inr: international normalised ratio.
        ascites: ``none``, ``mild`` or ``moderate_severe``.
        encephalopathy: ``none``, ``grade_1_2`` or ``grade_3_4``.

    Returns:
        The lowest and the highest sum that the known items allow; equal when all five are known.

    Source: Pugh RN et al. Br J Surg 1973;60:646-649, with INR in place of the prothrombin time.

    >>> child_pugh_points(20, 40, 1.1, "none", "none")
    (5, 5)
    >>> child_pugh_points(20, 40, None, "none", "none")
    (5, 7)
    """
    items = [
        None if bilirubin_umol_l is None else bilirubin_points(bilirubin_umol_l),
        None if albumin_g_l is None else albumin_points(albumin_g_l),
        None if inr is None else inr_points(inr),
        None if ascites is None else _ASCITES[ascites],
        None if encephalopathy is None else _ENCEPHALOPATHY[encephalopathy],
    ]
    return sum(item or 1 for item in items), sum(item or 3 for item in items)


def albi_score(bilirubin_umol_l: float, albumin_g_l: float) -> float:
    """Albumin–bilirubin score from bilirubin in µmol/L and albumin in g/L.

    Source: Johnson PJ et al. J Clin Oncol 2015;33:550-558: 0.66 × log10(bilirubin) − 0.085 × albumin.

    >>> albi_score(10, 40)
    -2.74
    """
    return round(0.66 * math.log10(bilirubin_umol_l) - 0.085 * albumin_g_l, 12)


RUNNING: Mapping[str, tuple[tuple[str, str], Callable[[float, float], float]]] = {
    "albi_score": (("bilirubin_umol_l", "albumin_g_l"), albi_score),
}
"""Scores that run with the values they are computed from, in place of stepping: these values, and how."""


def cut_offs(score: str, item: str, record: Mapping[str, Any], limits: Iterable[float]) -> tuple[float, ...]:
    """Return the values of a number at which a score that is computed from it can come to mean something else.

    Args:
        score: ``child_pugh_points``, ``child_pugh_points_beyond_score`` or ``albi_score``.
        item: a number of the record that the score is computed from.
        record: the record's values by field, ``None`` or left out where not known.
        limits: the constants that the score is compared with.

    Raises:
        KeyError: no such score is computed here.

    >>> cut_offs("child_pugh_points", "albumin_g_l", {}, (6,))
    (28, 35)
    >>> cut_offs("albi_score", "bilirubin_umol_l", {"albumin_g_l": 40}, (-2.74,))
    (10.0,)
    """
    if score == "albi_score":
        bilirubin, albumin = record.get("bilirubin_umol_l"), record.get("albumin_g_l")
        if item == "bilirubin_umol_l" and albumin is not None:
            return tuple(round(10 ** ((limit + 0.085 * albumin) / 0.66), 9) for limit in limits)
        if item == "albumin_g_l" and bilirubin is not None:
            return tuple(round((0.66 * math.log10(bilirubin) - limit) / 0.085, 9) for limit in limits)
        return ()
    if score not in ("child_pugh_points", "child_pugh_points_beyond_score"):
        raise KeyError(score)
    if item in CUT_OFFS:
        return CUT_OFFS[item]
    if score == "child_pugh_points":
        return tuple(limits)
    names = ("bilirubin_umol_l", "albumin_g_l", "inr", "ascites", "encephalopathy")
    return child_pugh_points(*(record.get(name) for name in names))
