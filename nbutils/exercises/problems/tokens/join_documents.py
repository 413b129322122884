"""Many documents, one row

A GPT is trained on one very long row of tokens that holds millions of documents. It must notice
where one ends and the next begins, since what was said before has nothing to do with what comes
then. A special token, `<|endoftext|>`, marks the border. It also stands before the first document,
so that the network learns how documents begin: give it this one token, and it starts to write one.
"""

import itertools

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 10


def join_documents(documents: list[list[int]], end_id: int) -> list[int]:
    """All documents in one row, with end_id before each of them and one more at the end.

    Args:
        documents: the tokens of each document. A document may have none, and there may be no
            document at all.
        end_id: the special token's id, which occurs in no document.

    Returns:
        end_id, document 1, end_id, document 2, ..., end_id, the last document, end_id. Without
        documents it is end_id alone.
    """
    row = [end_id]
    for document in documents:
        row += [*document, end_id]
    return row


def cases(given):
    lengths = given.sample(range(2, 9), 4)
    several = [given.integers(0, 499, n).tolist() for n in lengths]
    lengths = given.integers(0, 5, 150).tolist()
    many = [given.integers(0, 100_256, n).tolist() for n in [*lengths, 2000, 0, 1]]
    return [
        Case("one document", [[91, 860, 287]], 999),
        Case("two documents", [[91, 860], [287, 11579, 3962]], 100257),
        Case("the same document twice", [[5, 6], [5, 6], [9]], 10),
        Case("an empty document, so that two end_ids meet", [[7, 8], [], [3]], 50256),
        Case("no documents", [], 999),
        Case("four documents of random length", several, 500),
        Case("the id 0 among the tokens, and an end_id of 300", [[0, 4], [0], [4, 0, 0]], 300),
        Case("an end_id of 0", [[4], [2, 2]], 0),
        Case("only empty documents", [[], []], 50256),
        Case("223 documents, one of them long and many empty", [*many[:70], *many], 100_257),
    ]


HINTS = (
    "How many end_ids are there with two documents? And with none?",
    "Begin the row with one end_id. What has to be added for each document, so that the last one "
    "needs no special case?",
    "For each document add its tokens and an end_id behind them. `row += [...]` adds several "
    "entries, `row.append` adds one.",
)
WHY = """
With one end_id at the start and one behind each document, n documents have n + 1 of them, and every
document stands between two: the network can learn how each begins and where it stops. Nothing is
special about the first, the last or an empty document. `row += document` puts the tokens into the
row; `row.append(document)` would put a list into it.
"""


def on_both_sides(documents, end_id):
    return [i for document in documents for i in (end_id, *document, end_id)]


def only_between(documents, end_id):
    row = []
    for n, document in enumerate(documents):
        row += [end_id, *document] if n else document
    return row


def around_all(documents, end_id):
    return [end_id, *itertools.chain(*documents), end_id]


def without_any(documents, end_id):
    return [*itertools.chain(*documents)]


def first_only(documents, end_id):
    return [end_id, *documents[0], end_id] if documents else [end_id]


def sorted_row(documents, end_id):
    return sorted(join_documents(documents, end_id))


def nested(documents, end_id):
    row = [[end_id]]
    for document in documents:
        row += [document, [end_id]]
    return row


WRONG = (
    Wrong(
        "No document is in your row. Add the tokens of each.",
        "[*document, end_id]",
        "[end_id]",
    ),
    Wrong(
        "You return after the first document. Is the return inside the loop?",
        instead=first_only,
    ),
    Wrong(
        "Only the last document is in your row. Add each one to the row: `+=`.",
        "row += [*document, end_id]",
        "row = [end_id, *document, end_id]",
    ),
    Wrong(
        "Your row holds lists: each document and each end_id is a list of its own. Add the tokens one by "
        "one, with `+=` or `extend`.",
        instead=nested,
    ),
    Wrong(
        "Your row holds lists: each document and each end_id is a list of its own. Add the tokens one by "
        "one, with `+=` or `extend`.",
        instead=lambda documents, end_id: [[end_id], *documents, [end_id]],
    ),
    Wrong(
        "Your function fails without documents, where there is no first one. Then the row is end_id "
        "alone.",
        "row = [end_id]\n",
        "row = [(documents[0], end_id)[1]]\n",
    ),
    *(
        Wrong(
            "Your row holds lists: each document is one entry. Add its tokens one by one, with `+=` or "
            "`extend`.",
            instead=lambda documents, end_id, more=more: [
                end_id,
                *([*one, end_id][: len(one) + more] for one in documents),
                *[end_id] * (1 - more),
            ],
        )
        for more in (0, 1)
    ),
    Wrong(
        "Each document is a row of its own. Put all into one row.",
        instead=lambda documents, end_id: [*([end_id, *one] for one in documents), [end_id]],
    ),
    Wrong(
        "Each document is a row of its own. Put all into one row.",
        instead=lambda documents, end_id: [[end_id, *one, end_id] for one in documents],
    ),
    Wrong(
        "Each document is a row of its own. Put all into one row.",
        instead=lambda documents, end_id: [[end_id, *one] for one in documents],
    ),
    Wrong(
        "Each document is a row of its own. Put all into one row.",
        instead=lambda documents, end_id: [[*one, end_id] for one in documents],
    ),
    Wrong(
        "Two end_ids stand before the first document. One is enough.",
        "row = [end_id]",
        "row = [end_id, end_id]",
    ),
    Wrong(
        "Two end_ids stand behind the last document. One is enough.",
        "return row",
        "return [*row, end_id]",
    ),
    Wrong(
        "An end_id stands before every token. It stands before every document.",
        instead=lambda documents, end_id: [
            end_id,
            *(i for one in documents for token in one for i in (token, end_id)),
        ],
    ),
    Wrong(
        "Your row is sorted. Keep the order of the tokens.",
        instead=sorted_row,
    ),
    Wrong(
        "Without documents your row has two end_ids. It should have one.",
        "return row",
        "return row if documents else [end_id, end_id]",
    ),
    Wrong(
        "An empty document adds two end_ids. It adds one, like all others.",
        "[*document, end_id]",
        "[*(document or [end_id]), end_id]",
    ),
    Wrong(
        "Tokens that are 0 are left out. 0 is an id like any other.",
        "*document, end_id",
        "*filter(None, document), end_id",
    ),
    Wrong(
        "The tokens of each document stand in reverse order. Keep their order.",
        "*document, end_id",
        "*document[::-1], end_id",
    ),
    Wrong(
        "You take 50256 as the special token's id. Use end_id.",
        "row = [end_id]\n",
        "end_id = 50256\n    row = [end_id]\n",
    ),
    Wrong(
        "You put the text <|endoftext|> into the row. Put its id there: end_id.",
        "row = [end_id]\n",
        'end_id = "<|endoftext|>"\n    row = [end_id]\n',
    ),
    Wrong(
        "The last document is missing. Go through all of them.",
        "for document in documents:",
        "for document in documents[:-1]:",
    ),
    Wrong(
        "The first document is missing. Go through all of them.",
        "for document in documents:",
        "for document in documents[1:]:",
    ),
    Wrong(
        "Your only end_id stands at the start. Put one behind each document too.",
        instead=lambda documents, end_id: [end_id, *itertools.chain(*documents)],
    ),
    Wrong(
        "There is no end_id before the first document. Begin the row with one.",
        "row = [end_id]",
        "row = []",
    ),
    Wrong(
        "There is no end_id behind the last document. End the row with one.",
        "return row",
        "return row[:-1]",
    ),
    Wrong(
        "Two end_ids stand between documents, since each has one on both sides. One serves both: "
        "neighbours share it.",
        instead=on_both_sides,
    ),
    Wrong(
        "Your end_ids stand only between documents. Put one before the first and one behind the "
        "last as well.",
        instead=only_between,
    ),
    Wrong(
        "Your end_ids stand only at the start and the end of the row. Put one between documents "
        "too.",
        instead=around_all,
    ),
    Wrong(
        "There is no end_id in the row, so nobody can see where a document ends.",
        instead=without_any,
    ),
    Wrong(
        "Empty documents are left out. They keep their end_id, so that two of them meet.",
        "for document in documents:",
        "for document in filter(None, documents):",
    ),
    Wrong(
        "A document that comes again is left out. Keep every document.",
        "in documents:",
        "in map(list, dict.fromkeys(map(tuple, documents))):",
    ),
    Wrong(
        "Without documents your row is empty. It should have one end_id.",
        "return row",
        "return row if documents else []",
    ),
    Wrong(
        "Your row holds lists: each document is one entry. Add its tokens one by one, with `+=` or "
        "`extend`.",
        "[*document, end_id]",
        "[document, end_id]",
    ),
    Wrong(
        "The documents stand in the other order, the last one first. Add each one at the end of "
        "the row.",
        "row += [*document, end_id]",
        "row = [end_id, *document, *row]",
    ),
    Wrong(
        "There is no end_id behind the last document. End the row with one.",
        "return row",
        "return row[:-1] if documents else row",
    ),
    Wrong(
        "There is no end_id before the first document. Begin the row with one.",
        "return row",
        "return row[1:] if documents else row",
    ),
    Wrong(
        "Your end_ids stand only between documents. Put one before the first and one behind the "
        "last as well.",
        "return row",
        "return row[1:-1] if documents else row",
    ),
)


def ending_with_one(documents, end_id):
    return [i for document in documents for i in (end_id, *document)] + [end_id]


def with_append(documents, end_id):
    row = []
    for document in documents:
        row.append(end_id)
        for i in document:
            row.append(i)
    row.append(end_id)
    return row


def by_inserting(documents, end_id):
    row = [end_id]
    for document in reversed(documents):
        row[:0] = [end_id, *document]
    return row


RIGHT = (ending_with_one, with_append, by_inserting)
