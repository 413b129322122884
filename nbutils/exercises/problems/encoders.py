"""Wrong ways to encode a text, which students take."""

from collections import Counter

from nbutils.exercises.problems.tokens.merge_pair import merge_pair


def longest_first(text, merges):
    vocabulary = [bytes([value]) for value in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    data, ids = text.encode(), []
    while data:
        fits = [i for i, token in enumerate(vocabulary) if data.startswith(token)]
        ids.append(max(fits, key=lambda i: len(vocabulary[i])))
        data = data[len(vocabulary[ids[-1]]) :]
    return ids


def leftmost_first(text, merges):
    ids, i = list(text.encode()), 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) in merges:
            ids[i : i + 2] = [256 + merges.index((ids[i], ids[i + 1]))]
            i = max(i - 1, 0)
        else:
            i += 1
    return ids


def first_by(key):
    """As long as there are pairs: joins the one with the smallest key, which is made of its place in
    merges, itself, how often it is in the row, and how many bytes it has."""

    def encoded(text, merges):
        ids, number, sizes = (
            list(text.encode()),
            {pair: i for i, pair in enumerate(merges)},
            [1] * 256,
        )
        for left, right in merges:
            sizes.append(sizes[left] + sizes[right])
        while found := Counter(pair for pair in zip(ids, ids[1:]) if pair in number):
            best = min(found, key=lambda p: key(number[p], p, found[p], sizes[256 + number[p]]))
            ids = merge_pair(ids, best, 256 + number[best])
        return ids

    return encoded


def by_their_bytes(text, merges):
    parts, tokens = [bytes([value]) for value in text.encode()], [bytes([i]) for i in range(256)]
    for left, right in merges:
        tokens.append(tokens[left] + tokens[right])
    number = {token: i for i, token in enumerate(tokens)}
    while found := [
        number[both] for both in map(b"".join, zip(parts, parts[1:])) if both in number
    ]:
        first, merged = min(found), []
        for part in parts:
            if merged and number.get(merged[-1] + part) == first:
                merged[-1] += part
            else:
                merged.append(part)
        parts = merged
    return [number[part] for part in parts]


def as_digits(text, merges):
    row = " ".join(map(str, text.encode()))
    for new_id, (left, right) in enumerate(merges, start=256):
        row = row.replace(f"{left} {right}", str(new_id))
    return [*map(int, row.split())]


def numbered_by_use(text, merges):
    ids, new_id = list(text.encode()), 256
    for pair in merges:
        ids, before = merge_pair(ids, pair, new_id), ids
        new_id += ids != before
    return ids


def skipping(ids, pair, new_id):
    ids, i = [*ids], 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new_id]
            i += 1
        i += 1
    return ids


def pairs_of_bytes_only(text, merges):
    ids = list(text.encode())
    for new_id, pair in enumerate(merges, start=256):
        if max(pair) < 256:
            ids = merge_pair(ids, pair, new_id)
    return ids


def from_the_right(text, merges):
    ids = list(text.encode())[::-1]
    for new_id, (left, right) in enumerate(merges, start=256):
        ids = merge_pair(ids, (right, left), new_id)
    return ids[::-1]


def least_of_none(text, merges):
    ids, number = list(text.encode()), {pair: i for i, pair in enumerate(merges)}
    while True:
        pair = min(zip(ids, ids[1:]), key=lambda pair: number.get(pair, len(merges)))
        if pair not in number:
            return ids
        ids = merge_pair(ids, pair, 256 + number[pair])


def stops_at_a_gap(text, merges):
    ids = list(text.encode())
    for new_id, pair in enumerate(merges, start=256):
        if pair not in zip(ids, ids[1:]):
            break
        ids = merge_pair(ids, pair, new_id)
    return ids


def one_pass(text, merges):
    ids, out, i = list(text.encode()), [], 0
    while i < len(ids):
        pair = tuple(ids[i : i + 2])
        out.append(256 + merges.index(pair) if pair in merges else ids[i])
        i += 1 + (pair in merges)
    return out


def each_merge_on_the_bytes(text, merges):
    return (
        merge_pair(list(text.encode()), merges[-1], 255 + len(merges))
        if merges
        else [*text.encode()]
    )


def joined(join):
    def encoded(text, merges):
        ids = list(text.encode())
        for new_id, pair in enumerate(merges, start=256):
            ids = join(ids, pair, new_id)
        return ids

    return encoded


def one_number_for_all(text, merges):
    ids = list(text.encode())
    for pair in merges:
        ids = merge_pair(ids, pair, 256)
    return ids
