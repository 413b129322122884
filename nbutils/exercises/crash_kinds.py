"""The kinds of exceptions that students meet, each with its pattern and what is said of it.

The first that fits is taken: what names more stands before what names less.
"""

from typing import NamedTuple

SHAPE_ADVICE = (
    "Print the shapes of what stands in this line, and say for each dimension what it counts."
)
_NONE = (
    "Something in this line is None. A function without a return gives None, and so do sort(), append() and "
    "update() of a list or dict. The `.grad` of a tensor is None until backward() has reached it, and a new "
    "tensor, as `w = w - …` makes, has none."
)
_WHOLE = "A whole number is needed here, and this is a float. Is it a quotient? / gives a float, // a whole number."
_DTYPE = (
    "The dtypes don't fit. Labels, ids and counts are whole numbers (int64), all else floats: `.float()` makes "
    "floats of whole numbers, `.long()` whole numbers of floats."
)
_DEVICE = (
    "Two tensors are on different devices. The check gives tensors on the CPU: make yours where the input is, "
    "with `device=x.device`, and use no tensor from outside the function."
)
_EXCHANGED = (
    "F.cross_entropy takes the logits first and then the labels: (N, V) floats and (N,) whole numbers. Are "
    "the two exchanged?"
)


class Kind(NamedTuple):
    """One kind of exception: a pattern in its message, a pattern in the line, and what is said.

    In ``says`` stand {1}, {2}, … for the groups of the pattern.
    """

    errors: tuple[type[BaseException], ...]
    message: str
    says: str
    line: str = ""


_RUNTIME = (RuntimeError, NotImplementedError, IndexError, ValueError, TypeError)
KINDS = (
    # names
    Kind(
        (UnboundLocalError,),
        r"'(\w+)'",
        "`{1}` is used before it is given a value in this function, or it is given one only "
        "in some cases. A name that is assigned anywhere in a function is the function's own.",
    ),
    Kind(
        (ModuleNotFoundError, ImportError),
        r"'?([\w.]+)'?",
        "This package can't be imported here: {0}. Nothing but PyTorch, NumPy and Python's "
        "own library is needed.",
    ),
    # losses
    Kind(
        _RUNTIME,
        r"not implemented for '(Long|Int|Bool)|floating point type for target|"
        r"expected scalar type|batch_size|Dimension out of range|multi-target",
        _EXCHANGED,
        r"cross_entropy\(\s*(y|labels?|targets?)\b",
    ),
    Kind(
        _RUNTIME,
        r"\"?nll_loss\w*\"? not implemented|expected scalar type Long but found (Float|Double)",
        _EXCHANGED + " Labels are ids, so they are whole numbers: `labels.long()`.",
        r"cross_entropy|nll_loss",
    ),
    # dimensions and shapes
    Kind(
        _RUNTIME,
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "In a product of matrices the inner sizes must be equal; here they are {2} and {3}. "
        "Is one of the two to be transposed (`.T`, or `.transpose(-2, -1)`)? " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r""
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "In dimension {3} one tensor has {1} places and the other {2}, so they don't fit each"
        " other. Did a sum, mean or max lose its dimension (keepdim=True keeps it), or is a "
        "dimension of size 1 missing? " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"view size is not compatible",
        "After transpose or permute the numbers lie in another order in memory, and `.view` "
        "can't follow. Use `.reshape`, or `.contiguous()` before `.view`.",
    ),
    Kind(
        _RUNTIME,
        r"shape '(.*)' is invalid for input of size (\d+)",
        "A tensor of {2} numbers can't have the shape {1}: its sizes must multiply to {2}. "
        + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"Dimension out of range \(expected to be in range of \[.*\], but got (-?\d+)\)",
        "There is no dimension {1} here: this tensor has fewer dimensions than you count on. "
        "`dim=-1` is the last one, however many there are. " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"too many indices for (?:tensor|array).*",
        "There are more indices in the brackets than the tensor has dimensions. " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"index (-?\d+) is out of bounds for (?:dimension|axis) (\d+) with size (\d+)",
        "In dimension {2} there are {3} places, so the last has the index {3} - 1; you ask "
        "for {1}. Count from 0.",
    ),
    Kind(
        _RUNTIME,
        r"index out of range in self",
        "An id is as large as the table or larger: the last of n rows has the index n - 1.",
    ),
    Kind(
        _RUNTIME,
        r"(stack expects each tensor to be equal size|Sizes of tensors must match except in dimension)",
        "Tensors of different shapes can't be put together like this. " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"Expected size|size mismatch|must have at least \d dim|must match the size|cannot be broadcast|shape mismatch|"
        r"not aligned|could not be broadcast|The expanded size|inconsistent tensor size|"
        r"number of dimensions|must have the same shape|same number of dimensions",
        SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"einsum\(\)",
        "The letters of einsum and the tensors don't fit: one letter for each dimension, and "
        "the same size wherever a letter stands again. " + SHAPE_ADVICE,
    ),
    Kind(
        _RUNTIME,
        r"(softmax|log_softmax)\(\) (?:missing|received an invalid)",
        "`{1}` must know along which dimension the shares add up to 1: dim=-1 is the last one.",
    ),
    Kind(
        _RUNTIME,
        r"non-empty TensorList",
        "A list of no tensors can't be put together. What if there is none?",
    ),
    Kind(
        _RUNTIME,
        r"nested_tensorlist",
        "This function works on the `.grad` of its tensors, and none of these has one: they are tensors of "
        "slopes themselves. Compute with their numbers.",
    ),
    Kind(
        _RUNTIME,
        r"selected index k out of range",
        "topk is asked for more values than there are.",
    ),
    # gradients
    Kind(
        _RUNTIME,
        r"a leaf Variable that requires grad|a view of a leaf Variable",
        "A tensor that requires gradients is changed in place, which PyTorch refuses. Make a "
        "new tensor (`w = w - …`), or change it inside `with torch.no_grad():`.",
    ),
    Kind(
        _RUNTIME,
        r"modified by an inplace operation",
        "A tensor was changed in place (`+=`, `x[...] = …`, or a method that ends in _) after"
        " something was computed from it, and its old numbers are needed for the gradient. "
        "Make a new tensor instead.",
    ),
    Kind(
        _RUNTIME,
        r"does not require grad",
        "Nothing in this result depends on a tensor that requires gradients. requires_grad_()"
        " must come before the computation, and detach, item, numpy or no_grad must not stand"
        " between.",
    ),
    Kind(
        _RUNTIME,
        r"grad can be implicitly created only for scalar",
        "backward() begins at one number: take the mean or the sum first.",
    ),
    Kind(
        _RUNTIME,
        r"backward through the graph a second time",
        "backward() goes through one computation a second time. Compute the loss anew before each "
        "backward().",
    ),
    Kind(
        _RUNTIME,
        r"Can't call numpy\(\) on Tensor that requires grad|requires grad.*numpy",
        "NumPy knows no gradients: `.detach()` first, or use PyTorch's function of the same name.",
    ),
    # dtypes
    Kind(
        _RUNTIME,
        r"'?one_hot\w*'?.* (?:LongTensor|index tensor)|one_hot is only applicable",
        "one_hot takes whole numbers (int64): `.long()`.",
    ),
    Kind(
        _RUNTIME,
        r"Class values must be (smaller than num_classes|non-negative)",
        "one_hot meets an id that is negative, or not smaller than the number of classes.",
    ),
    Kind(
        _RUNTIME,
        r"tensors used as indices must be|only integer tensors|only integers, slices",
        "An index must be whole numbers (int64) or True and False: `.long()` makes whole "
        "numbers, `.bool()` the other.",
    ),
    Kind(
        _RUNTIME,
        r"not implemented for '(\w+)'",
        "This function can't compute with the dtype {1}. `.float()` makes floats of whole numbers, "
        "`.long()` whole numbers of floats.",
    ),
    Kind(
        _RUNTIME,
        r"could not infer output dtype|must be either a floating point|"
        r"result type \w+ can't be cast|same dtype|expected scalar type|expected m1 and m2|"
        r"Long did not match Float|dtypes? .*(match|equal)",
        _DTYPE,
    ),
    Kind(
        _RUNTIME,
        r"Boolean value of Tensor with more than one value|truth value of an array",
        "Python's if, and, or, while need one True or False, and this tensor has several. Use"
        " torch.where, a mask, `&` and `|`, or .any() and .all().",
    ),
    Kind(
        _RUNTIME,
        r"a Tensor with (\d+) elements cannot be converted to Scalar|only one element tensors",
        "item(), int() and float() take a tensor of one number. Choose one by an index, or "
        "sum them first.",
    ),
    Kind(_RUNTIME, r"same device|on cpu|is on cuda|to numpy", _DEVICE),
    Kind(
        _RUNTIME,
        r"probability tensor contains|invalid multinomial|cannot sample n_sample",
        "multinomial takes probabilities: none below 0, none nan, and not all 0.",
    ),
    # numbers and kinds of values
    Kind(
        (TypeError,),
        r"(?:'float' object cannot be interpreted as an integer|slice indices must be|of ints, not float|"
        r"indices must be integers.* not '?float)",
        _WHOLE,
    ),
    Kind(
        (TypeError,),
        r"(sqrt|exp2?|log2?|log10|log1p|tanh|cosh?|sinh?|erf|floor|ceil|pow)\(\): argument .* must be Tensor, "
        r"not (float|int)",
        "`{1}` of PyTorch takes a tensor, and this is a Python {2}. For one number there is `math.{1}`, "
        "and ** 0.5 is a root.",
    ),
    Kind(
        _RUNTIME,
        r"torch\.return_types\.(\w+)",
        "`{1}` along a dimension gives two tensors, values and indices: take `.values` (or [0]) of it.",
    ),
    Kind(
        (TypeError,),
        r"(\w+)\(\): argument '(\w+)' \(position \d+\) must be Tensor, not (\w+)",
        "`{1}` of PyTorch takes a tensor here, and this is a Python {3}: torch.tensor(…) makes a tensor of "
        "it.",
    ),
    Kind(
        (TypeError,),
        r"must be real number, not (?:Tensor|list)|only (?:length-1|0-dimensional) arrays",
        "The math module takes one number. For a tensor use PyTorch's function of the same name.",
    ),
    Kind(
        (TypeError,),
        r"received an invalid combination of arguments|argument '(\w+)'.* must be",
        "A function of PyTorch is given arguments of kinds that it doesn't take: see the "
        "kinds in the message (a list or a float where a tensor belongs, or the other way "
        "round?).",
    ),
    Kind((TypeError,), r"NoneType", _NONE),
    Kind((AttributeError,), r"'NoneType' object", _NONE),
    Kind(
        (TypeError,),
        r"indices must be integers or slices, not (\w+)",
        "A list takes a whole number or a slice in brackets, not a {1}. A dict takes any key,"
        " a tensor several indices.",
    ),
    Kind(
        (TypeError,),
        r"'(\w+)' object is not subscriptable",
        "Brackets stand behind a {1}, which has no places to choose from.",
    ),
    Kind(
        (TypeError,),
        r"'(\w+)' object is not callable",
        "Parentheses stand behind a {1}, which is no function. Was a function's name given to"
        " a value, or is a * missing?",
    ),
    Kind(
        (TypeError,),
        r"'?(int|float)'? object is not iterable|object of type '(int|float)' has no len|iteration over a 0-d",
        "This is one number, and a loop, a sum or len needs several. To count up to n: `range(n)`.",
    ),
    Kind(
        (TypeError,),
        r"cannot unpack non-iterable (\w+)",
        "One {1} can't be given to several names.",
    ),
    Kind(
        (TypeError,),
        r"'(\w+)' object does not support item assignment",
        "A {1} can't be changed in place: make a new one, or a list of it.",
    ),
    Kind(
        (TypeError,),
        r"unhashable type: '(\w+)'",
        "A {1} can't be a key of a dict or a member of a set: a tuple can.",
    ),
    Kind(
        (TypeError,),
        r"unsupported operand type\(s\) for (\S+): '(\S+)' and '(\S+)'",
        "A {2} and a {3} can't be put together with {1}: one of them has to be converted first.",
    ),
    Kind(
        (TypeError,),
        r"can't multiply sequence by non-int|unsupported operand type\(s\) for \S+: 'list'|and 'list'$",
        "A list is no tensor: it can't be computed with as a whole. Go through it, one by one, or make a tensor "
        "of it.",
    ),
    Kind(
        (TypeError,),
        r"bad operand type for unary (\S+): '(\w+)'",
        "A {2} has no {1}. Of numbers in it each needs its own: of a pair `(-a, -b)`.",
    ),
    Kind(
        (TypeError,),
        r"can only concatenate (\w+) \(not \"(\w+)\"\)",
        "A {1} can be joined to a {1} only, and this is a {2}: put it in brackets, or convert it.",
    ),
    Kind(
        (TypeError,),
        r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'",
        "A {2} and a {3} can't be compared by {1}.",
    ),
    Kind(
        (TypeError,),
        r"(\w+)\(\) missing (\d+) required .*?: (.+)",
        "`{1}` is called without {3}.",
    ),
    Kind(
        (TypeError,),
        r"(\w+)\(\) takes (.+?) but (\d+) (?:was|were) given",
        "`{1}` takes {2}, and here it is given {3}.",
    ),
    Kind(
        (TypeError,),
        r"(\w+)\(\) got an unexpected keyword argument '(\w+)'",
        "`{1}` knows no argument {2}.",
    ),
    Kind(
        (TypeError,),
        r"sequence item \d+: expected str instance, (\w+) found",
        "join takes texts, and this is a {1}.",
    ),
    Kind(
        (TypeError,),
        r"a bytes-like object is required, not '?(\w+)|"
        r"expected a bytes-like object, (\w+) found|argument should be integer or bytes-like",
        "Bytes and text are two kinds: `.encode()` makes bytes of text, `.decode()` text of "
        "bytes, and bytes([n]) is one byte.",
    ),
    Kind(
        (ValueError,),
        r"too many values to unpack \(expected (\d+)\)",
        "There are more values than the {1} names on the left. A shape has as many values as "
        "the tensor has dimensions.",
    ),
    Kind(
        (ValueError,),
        r"not enough values to unpack \(expected (\d+), got (\d+)\)",
        "There are {2} values for {1} names. A shape has as many values as the tensor has "
        "dimensions.",
    ),
    Kind(
        (ValueError,),
        r"(min|max)\(\) (?:arg is an empty sequence|iterable argument is empty)",
        "{1}() has nothing to choose from: what if there is none? `default=` is given then.",
    ),
    Kind(
        (ValueError,),
        r"math domain error|expected a positive input",
        "The logarithm of 0 or of a negative number, or its root, is asked for. Which input "
        "makes it so?",
    ),
    Kind(
        (ValueError,),
        r"bytes must be in range\(0, 256\)|byte must be in range",
        "A byte is a number from 0 to 255, and this one is larger: it stands for several "
        "bytes, or for none.",
    ),
    Kind(
        (ValueError,),
        r"invalid literal for int\(\)",
        "int() takes digits, and this text is something else.",
    ),
    Kind(
        (ValueError,),
        r"only one element tensors can be converted|setting an array element",
        "These can't be made one tensor or array: their lengths differ, or tensors stand in a"
        " list (torch.stack joins those).",
    ),
    Kind(
        (ValueError,),
        r"is not in list|substring not found|not in tuple",
        "It is looked for and is not there. What if there is none?",
    ),
    Kind(
        (ValueError,),
        r"chr\(\) arg not in range",
        "chr() takes a character's number, and this is none.",
    ),
    Kind(
        (UnicodeDecodeError,),
        r"",
        "These bytes are no whole text: a letter may have several bytes. Join all bytes "
        'before you decode, and say what to do with what is no text: errors="replace".',
    ),
    Kind(
        (UnicodeEncodeError,),
        r"'(\S+)' codec",
        "{1} has no place for this character. UTF-8 has one for each.",
    ),
    Kind(
        (OverflowError,),
        r"",
        "A number grows too large, such as e to the power of 1000. Subtract the largest one first.",
    ),
    Kind((AttributeError,), r"'(\w+)' object has no attribute '(\w+)'", "A {1} has no `{2}`."),
    Kind(
        (AttributeError,),
        r"module '([\w.]+)' has no attribute '(\w+)'",
        "The module {1} has no `{2}`.",
    ),
    Kind(
        (IndexError,),
        r"index out of range|pop from empty",
        "Count from 0: the last of n has the index n - 1, and nothing of none has any.",
    ),
    Kind(
        (KeyError,),
        r"",
        "This key is not in the dict. What if there is none? `.get(key, 0)` gives 0 then, and"
        " a Counter does so by itself.",
    ),
    Kind((ZeroDivisionError,), r"", "Which input makes the divisor 0?"),
    Kind((RecursionError,), r"", "The function calls itself without an end."),
    Kind((MemoryError,), r"", "Print the shapes: one of them is far larger than it should be."),
    Kind(
        (RuntimeError,),
        r"not enough memory|can't allocate|allocate memory",
        "Print the shapes: one of them is far larger than it should be.",
    ),
    Kind(
        (AssertionError,),
        r"",
        "This is an assert of your own: what it asks for does not hold here.",
    ),
    Kind(
        (StopIteration,),
        r"",
        "next() has nothing left to give: it takes a second value for that case.",
    ),
    Kind((SyntaxError,), r"", "A text that is run as Python (eval, exec) is no Python."),
    Kind((SystemExit,), r"", "exit() and quit() end the program. A function ends with return."),
)
