"""A mean over what counts

Not every position of a batch has a label: behind the end of a text there is nothing to guess. Such
a position is marked, and it must not count. Large batches are often computed in several parts, too,
one after the other, and the parts have different numbers of labels. Get the mean wrong, and a run
with parts learns something else than one without. Widely used libraries have made this mistake.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 15


def mean_loss(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """The mean loss over all labels that are counted, in all batches together.

    Args:
        batches: pairs (losses, labels), both of shape (B, T); B and T may differ from batch to
            batch. The losses are floats, one for each position; where the label isn't counted,
            anything may stand there, also inf or nan. The labels are whole numbers, the ids of
            tokens, from 0; -1 marks a label that isn't counted. A batch may have no counted label,
            but there is at least one in all batches together.

    Returns:
        One number: every counted label of every batch weighs the same.
    """
    total, count = 0.0, 0
    for losses, labels in batches:
        counted = labels != -1
        total += losses[counted].sum()
        count += counted.sum()
    return total / count


def cases(given):
    def batch(least, *labels):
        """Losses from `least` to `least` + 1 for these rows of labels."""
        labels = torch.tensor(labels)
        return least + given.uniform(*labels.shape), labels

    def joined(*batches):  # windows of one length
        return torch.cat([b[0] for b in batches]), torch.cat([b[1] for b in batches])

    def spoiled(losses, labels, value):
        return losses.masked_fill(labels == -1, value), labels

    some = joined(batch(1.0, [7, 2, 5, -1]), batch(8.0, [3, -1, -1, -1]))

    def varied(B, T):
        labels = given.integers(-1, 3, B, T) * given.choice([1, 30_000, 65_535])
        losses = given.choice([1.0, 100.0, 10_000.0]) * given.uniform(B, T)
        labels = labels.clamp(min=-1)
        return losses.masked_fill(labels == 0, 0.0).masked_fill(labels == -1, 1e30), labels

    many = [varied(1 + i % 4, 1 + 7 * i % 40) for i in range(12)]
    return [
        Case("one window, whose labels are all counted", [batch(2.0, [4, 255, 50256])]),
        Case("labels that aren't counted", [some]),
        Case(
            "a label of 0, which is a token's id", [joined(batch(1.0, [2, 6]), batch(6.0, [9, 0]))]
        ),
        Case(
            "two batches with different numbers of labels",
            [batch(1.0, [2, 8, 4], [5, 3, 7]), batch(9.0, [6, -1])],
        ),
        Case("a batch without a counted label", [batch(9.0, [-1, -1]), batch(2.0, [3, 1, -1])]),
        Case(
            "losses of inf and nan that don't count",
            [spoiled(*some, torch.inf), spoiled(*batch(3.0, [-1, 4]), torch.nan)],
        ),
        Case(
            "twelve batches: many ids, losses of 0 and of 10,000, huge ones that don't count", many
        ),
    ]


HINTS = (
    "A mean is a sum divided by a count. Keep both while you go through the batches, and divide "
    "at the end.",
    "`labels != -1` is True at the positions that count. Its sum is how many there are.",
    "`losses[counted]` picks the losses that count. Multiplying by 0 or 1 isn't the same: 0 times "
    "inf is nan.",
)
WHY = """
The mean of means gives every batch the same weight, so a label in a batch with few labels weighs
more than one in a batch with many. Sums and counts can be added up; means can't. That is also how
gradients are accumulated: each part's loss is weighted by its share of all the labels.
"""


def mean_of_means(batches):
    means = [losses[labels != -1].mean() for losses, labels in batches]
    return sum(means) / len(means)


def mean_of_means_that_exist(batches):
    return mean_of_means([(losses, labels) for losses, labels in batches if (labels != -1).any()])


def mean_of_windows(batches):
    rows = [
        row[label != -1].mean()
        for losses, labels in batches
        for row, label in zip(losses, labels, strict=True)
    ]
    return sum(rows) / len(rows)


def mean_of_windows_that_exist(batches):
    windows = [
        window
        for batch in batches
        for window in zip(*batch, strict=True)
        if (window[1] != -1).any()
    ]
    return mean_of_means(windows)


def mean_of_windows_then_of_batches(batches):
    means = [mean_of_windows_that_exist([one]) for one in batches if (one[1] != -1).any()]
    return sum(means) / len(means)


def mean_by(batches, sizes):
    """The batches' means with these weights; without a counted label a mean is 0."""
    means = [losses[y != -1].sum() / max(1, (y != -1).sum()) for losses, y in batches]
    return sum(mean * size for mean, size in zip(means, sizes, strict=True)) / sum(sizes)


def mean_of_means_or_0(batches):
    return mean_by(batches, [1] * len(batches))


def weighted_by_windows(batches):
    return mean_by(batches, [len(labels) for _, labels in batches])


def weighted_by_size(batches):
    return mean_by(batches, [labels.numel() for _, labels in batches])


def weighted_by_size_or_nan(batches):
    means = [losses[labels != -1].mean() * labels.numel() for losses, labels in batches]
    return sum(means) / sum(labels.numel() for _, labels in batches)


def median(batches):
    return torch.cat([losses[labels != -1] for losses, labels in batches]).median()


def times_0_over_all(batches):
    total = sum((losses * (labels != -1)).sum() for losses, labels in batches)
    return total / sum(labels.numel() for _, labels in batches)


def all_but_nan(batches):
    count = sum((labels != -1).sum() for _, labels in batches)
    return sum(losses.nansum() for losses, _ in batches) / count


def all_finite_over_count(batches):
    count = sum((labels != -1).sum() for _, labels in batches)
    return sum(losses[losses.isfinite()].sum() for losses, _ in batches) / count


def mean_of_zeros_too(batches):
    means = [losses.where(labels != -1, 0.0).mean() for losses, labels in batches]
    return sum(means) / len(means)


def all_where_finite(batches):
    losses = torch.cat([losses.flatten() for losses, _ in batches])
    return losses[losses.isfinite()].mean()


def means_alone(batches):
    return [losses[labels != -1].mean() for losses, labels in batches]


WRONG = (
    Wrong(
        "You average the means of the batches, and a batch without a counted label has none "
        "(nan). Add up losses and counts over all batches, and divide once.",
        instead=mean_of_means,
    ),
    Wrong(
        "You average the means of the batches, so a label weighs more in a batch with few of "
        "them. Add up losses and counts over all batches, and divide once.",
        instead=mean_of_means_that_exist,
    ),
    Wrong(
        "You average the means of the windows, so a label weighs more in a window with few of "
        "them. Add up losses and counts over everything, and divide once.",
        instead=mean_of_windows,
    ),
    Wrong(
        "This is the median. Take the mean: the sum, divided by the count.",
        instead=median,
    ),
    Wrong(
        "Losses that don't count are multiplied by 0 (0 times inf is nan), and then the sum is divided "
        "by the number of all positions. Pick those that count, and take their mean.",
        instead=times_0_over_all,
    ),
    Wrong(
        "You average the means of the batches, and one without a counted label adds a mean of 0. Add "
        "up losses and counts over all batches, and divide once.",
        instead=mean_of_means_or_0,
    ),
    Wrong(
        "The batches are weighted by their number of windows, B. Weight them by how many labels are "
        "counted: add up losses and counts, and divide once.",
        instead=weighted_by_windows,
    ),
    *(
        Wrong(
            "You leave out losses that are nan or inf, or make 0 of them, and add all others. Add "
            "those whose label isn't -1.",
            instead=function,
        )
        for function in (all_but_nan, all_finite_over_count)
    ),
    *(
        Wrong(
            "You average the means of the windows, so a label weighs more in a window with few of "
            "them. Add up losses and counts over everything, and divide once.",
            instead=function,
        )
        for function in (mean_of_windows_that_exist, mean_of_windows_then_of_batches)
    ),
    Wrong(
        "Positions that don't count are zeros in the means of your batches, and these are averaged. "
        "Add up losses and counts of what counts, and divide once.",
        instead=mean_of_zeros_too,
    ),
    Wrong(
        "These are the means of the batches. Give one number: add up losses and counts over all "
        "batches, and divide once.",
        instead=means_alone,
    ),
    Wrong(
        "You leave out losses that are inf or nan, and count all others. Go by the labels: leave "
        "out those of -1.",
        instead=all_where_finite,
    ),
    Wrong(
        "The batches are weighted by their size, B times T. Weight them by how many labels are "
        "counted: add up losses and counts, and divide once.",
        instead=weighted_by_size,
    ),
    Wrong(
        "The batches are weighted by their size, B times T. Weight them by how many labels are "
        "counted: add up losses and counts, and divide once.",
        instead=weighted_by_size_or_nan,
    ),
    Wrong(
        "Every position is counted. Leave out those whose label is -1. (PyTorch's own mark is "
        "-100; here it is -1.)",
        "labels != -1",
        "labels != -100",
    ),
    Wrong(
        "You count the positions that should be left out: those whose label is -1.",
        "labels != -1",
        "labels == -1",
    ),
    Wrong(
        "A label of 0 isn't counted in your function. 0 is the id of a token; only -1 is left out.",
        "labels != -1",
        "labels > 0",
    ),
    Wrong(
        "You take a label for True or False: 0 is left out, and -1 is counted. Only -1 is left out: "
        "labels != -1.",
        "labels != -1",
        "labels.bool()",
    ),
    Wrong(
        "Labels of 0 and of 1 aren't counted in your function. They are ids of tokens; only -1 is "
        "left out.",
        "labels != -1",
        "labels > 1",
    ),
    Wrong(
        "The sum is divided by the number of all positions. Divide by the number of those that "
        "count.",
        "counted.sum()\n",
        "labels.numel()\n",
    ),
    Wrong(
        "The losses that don't count are added too, though your count leaves them out. Add only "
        "those of the counted positions.",
        "losses[counted].sum()",
        "losses.sum()",
    ),
    Wrong(
        "Losses that don't count are multiplied by 0, but 0 times inf is nan. Pick those that "
        "count: losses[counted], or torch.where.",
        "losses[counted].sum()",
        "(losses * counted).sum()",
    ),
    Wrong(
        "This is the sum of the losses. Divide it by the number of counted labels.",
        "total / count",
        "total",
    ),
    Wrong(
        "These are the sum and the count. Divide the one by the other.",
        "total / count",
        "total, count",
    ),
    Wrong(
        "This is how many labels are counted. Divide the sum of their losses by it.",
        "total / count",
        "count",
    ),
    Wrong(
        "The count is divided by the sum of the losses. Divide the sum by the count.",
        "total / count",
        "count / total",
    ),
    Wrong(
        "The sum of the losses is divided by the number of windows. Divide it by the number of "
        "counted labels.",
        "total / count",
        "total / sum(len(labels) for losses, labels in batches)",
    ),
    Wrong(
        "The mean over all labels is divided by the number of batches as well. Divide the sum once, "
        "by the count.",
        "total / count",
        "total / count / len(batches)",
    ),
    Wrong(
        "Your mean has the count of the last batch only. Add up the counts, as you add up the "
        "losses.",
        "count += counted",
        "count = counted",
    ),
    Wrong(
        "Your sum has the losses of the last batch only. Add them up, as you add up the counts.",
        "total += losses",
        "total = losses",
    ),
    Wrong(
        "The sum of the losses is divided by the number of batches. Divide it by the number of "
        "counted labels.",
        "total / count",
        "total / len(batches)",
    ),
    Wrong(
        "Only the last batch is in your mean. Add up the sums and the counts of all batches.",
        "total += losses[counted].sum()\n        count += counted",
        "total = losses[counted].sum()\n        count = counted",
    ),
    Wrong(
        "Only the first batch is in your mean. Is the return inside the loop?",
        "    return total",
        "        return total",
    ),
    Wrong(
        "The last place of each window is left out. Its label counts, unless it is -1.",
        "counted = labels != -1",
        "counted = (labels != -1) & (torch.arange(labels.shape[1]) < labels.shape[1] - 1)",
    ),
)


def all_in_one_row(batches):
    losses = torch.cat([losses.flatten() for losses, _ in batches])
    labels = torch.cat([labels.flatten() for _, labels in batches])
    return losses.double()[labels >= 0].mean()


def with_loops(batches):
    counted = []
    for losses, labels in batches:
        for row, marks in zip(losses.tolist(), labels.tolist(), strict=True):
            counted += [loss for loss, mark in zip(row, marks, strict=True) if mark != -1]
    return sum(counted) / len(counted)


def by_shares(batches):
    total = sum(int((labels != -1).sum()) for _, labels in batches)
    mean = 0.0
    for losses, labels in batches:
        kept = torch.where(labels == -1, torch.zeros_like(losses), losses).double()
        share = np.count_nonzero(labels.numpy() != -1) / total
        mean += share * kept.sum().item() / max(1, int((labels != -1).sum()))
    return mean


RIGHT = (all_in_one_row, with_loops, by_shares)
