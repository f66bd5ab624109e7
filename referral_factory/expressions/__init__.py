"""Rules that people write, in CEL: read strictly, refused early, run within limits.

What is refused here would else be found out by a decision, or hold the process: the
evaluator has no limit of its own, and keeps every other thread waiting while it runs.
See docs/milestones.md for the language as its authors meet it.
"""

from referral_factory.expressions.compiled import (
    Clause,
    Expression,
    Verdict,
    compile_expression,
)
from referral_factory.expressions.faults import (
    BadExpression,
    CannotEvaluate,
    NotTruth,
    Place,
    WrongKinds,
)
from referral_factory.expressions.guards import LONGEST
from referral_factory.expressions.values import kind_of

__all__ = [
    "LONGEST",
    "BadExpression",
    "CannotEvaluate",
    "Clause",
    "Expression",
    "NotTruth",
    "Place",
    "Verdict",
    "WrongKinds",
    "compile_expression",
    "kind_of",
]
