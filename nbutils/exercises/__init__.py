"""Exercises whose checks say what is wrong, and whose answers become the model.

check("causal_mask", causal_mask)   is it right? If not: which mistake is it?
hint("causal_mask")                 a first hint, then the next
solution("causal_mask")             after a try of your own
progress()                          what is done, and what is next
"""

from nbutils.exercises.student import check, hint, progress, solution

__all__ = ["check", "hint", "progress", "solution"]
