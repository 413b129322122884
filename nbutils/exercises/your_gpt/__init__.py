"""Your functions, put together: a tokenizer, a GPT, its training, and what it writes.

`your_functions` gives all exercises' functions, yours where they are right and of use, else the
course's; everything here calls them by their names and does no arithmetic of its own.

A `YourGPT` begins on the CPU, as each network here does, and ``.to(device)`` moves it. `train` computes on
the chip and gives it back where it was; `evaluate` and `write` compute where the network is. What is no
part of a network, the mean of losses and the choice of one token, is done on the CPU.
"""

from nbutils.exercises.your_gpt.fitness import unfit
from nbutils.exercises.your_gpt.functions import IN_THE_GPT, Functions, your_functions
from nbutils.exercises.your_gpt.model import YourGPT
from nbutils.exercises.your_gpt.tokenizer import YourTokenizer
from nbutils.exercises.your_gpt.training import evaluate, train
from nbutils.exercises.your_gpt.writing import write

__all__ = [
    "IN_THE_GPT",
    "Functions",
    "YourGPT",
    "YourTokenizer",
    "evaluate",
    "train",
    "unfit",
    "write",
    "your_functions",
]
