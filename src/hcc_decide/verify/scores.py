"""Child–Pugh points and the ALBI score as z3 terms, from the published formulas; a second writing of `hcc_decide.scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import z3

from hcc_decide.knowledge.condition import Scalar
from hcc_decide.verify.fields import Chosen, Field, Number
from hcc_decide.verify.truth import Known, Quantity, constant

# Pugh RN et al. Br J Surg 1973;60:646-649: the limits between 1, 2 and 3 points, and on which side each of them lies.
BILIRUBIN_UMOL_L = (34.2, 51.3)
ALBUMIN_G_L = (28.0, 35.0)
INR = (1.7, 2.3)
POINTS: Mapping[str, Mapping[Scalar, int]] = {
    "ascites": {"none": 1, "mild": 2, "moderate_severe": 3},
    "encephalopathy": {"none": 1, "grade_1_2": 2, "grade_3_4": 3},
}
# Johnson PJ et al. J Clin Oncol 2015;33:550-558
ALBI_BILIRUBIN, ALBI_ALBUMIN = z3.Q(66, 100), z3.Q(85, 1000)


OVERRIDING = frozenset({"child_pugh_score"})
"""What a record may give in place of the items that it is the sum of."""


def marks(albi: bool, constants: Mapping[str, tuple[float, ...]]) -> Mapping[str, tuple[float, ...]]:
    """Return the fields of which a score takes the logarithm, with the values that scores and rules compare them with."""
    name = "bilirubin_umol_l"
    return {name: (*BILIRUBIN_UMOL_L, *constants.get(name, ()))} if albi else {}


def computed(name: str, fields: Mapping[str, Field]) -> Known:
    """Return what is known of a score.

    Raises:
        KeyError: no such score.
    """
    return {"child_pugh_points": _points, "child_pugh_points_beyond_score": _beyond, "albi_score": _albi}[name](fields)


def _albi(fields: Mapping[str, Field]) -> Quantity:
    bilirubin, albumin = fields["bilirubin_umol_l"], fields["albumin_g_l"]
    assert isinstance(bilirubin, Number)
    assert isinstance(albumin, Number)
    assert bilirubin.log10 is not None
    score = ALBI_BILIRUBIN * bilirubin.log10 - ALBI_ALBUMIN * albumin.number
    return Quantity(z3.And(bilirubin.known, albumin.known), score, score, z3.BoolVal(True))


def _points(fields: Mapping[str, Field]) -> Quantity:
    score = fields["child_pugh_score"]
    assert isinstance(score, Number)
    low, high = _sums(fields)
    return Quantity(
        z3.BoolVal(True),
        z3.If(score.known, score.number, low),
        z3.If(score.known, score.number, high),
        z3.BoolVal(True),
    )


def _beyond(fields: Mapping[str, Field]) -> Quantity:
    score = fields["child_pugh_score"]
    assert isinstance(score, Number)
    low, high = _sums(fields)
    beyond = z3.If(low > score.number, low - score.number, z3.If(score.number > high, score.number - high, 0))
    return Quantity(score.known, beyond, beyond, z3.BoolVal(True))


def _sums(fields: Mapping[str, Field]) -> tuple[z3.ArithRef, z3.ArithRef]:
    items = [
        _graded(
            fields["bilirubin_umol_l"],
            lambda x: (x < constant(BILIRUBIN_UMOL_L[0]), x <= constant(BILIRUBIN_UMOL_L[1])),
        ),
        _graded(fields["albumin_g_l"], lambda x: (x > constant(ALBUMIN_G_L[1]), x >= constant(ALBUMIN_G_L[0]))),
        _graded(fields["inr"], lambda x: (x < constant(INR[0]), x <= constant(INR[1]))),
        *(_named(fields[name], points) for name, points in POINTS.items()),
    ]
    low = z3.Sum([z3.If(known, points, z3.RealVal(1)) for known, points in items])
    high = z3.Sum([z3.If(known, points, z3.RealVal(3)) for known, points in items])
    return low, high


Graded = tuple[z3.BoolRef, z3.ArithRef]


def _graded(item: Field, limits: Callable[[z3.ArithRef], tuple[z3.BoolRef, z3.BoolRef]]) -> Graded:
    """Return when an item is known, and its points: one on the first side, two up to the second, else three."""
    assert isinstance(item, Number)
    one, two = limits(item.number)
    return item.known, z3.If(one, z3.RealVal(1), z3.If(two, z3.RealVal(2), z3.RealVal(3)))


def _named(item: Field, points: Mapping[Scalar, int]) -> Graded:
    assert isinstance(item, Chosen)
    worth = z3.Sum([z3.If(when, z3.RealVal(points[value]), z3.RealVal(0)) for value, when in item.given.items()])
    return item.known, worth
