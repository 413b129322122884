"""The picture of reading digits, its Python side: torch's numbers, and drawings in the digits' form."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from moving.digits import example, network
from sklearn.datasets import load_digits
from torch import nn

from nbutils.figures.moving.digits import Digits, centred
from nbutils.figures.moving.picture import packed, unpacked

RAW = load_digits()
SMALL = torch.tensor(RAW.images, dtype=torch.float32) / 16


def strokes(ink) -> str:
    return np.packbits(np.asarray(ink, bool)).tobytes().hex()


def drawn(*boxes):
    """Ink in these boxes of cells: (top, left, bottom, right)."""
    ink = np.zeros((28, 28), bool)
    for top, left, bottom, right in boxes:
        ink[top:bottom, left:right] = True
    return ink


def test_the_inputs_are_those_of_the_chapter():
    large = F.interpolate(SMALL[:, None], size=(28, 28), mode="bilinear")[:, 0].flatten(1)
    picture = example()
    for i in range(4):
        picture.example = i + 1
        np.testing.assert_allclose(picture.inputs(), large[i], atol=1e-6)


def test_the_numbers_are_torch_s():
    picture = example()
    x = torch.tensor(picture.inputs(), dtype=torch.float32)
    with torch.no_grad():
        first = network()[:2](x)
        expected = first, network()[:4](x), F.softmax(network()(x), dim=0)
    for ours, theirs in zip(picture.activations(), expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_24_bits_keep_a_millionth():
    values = np.random.default_rng(0).normal(size=1000)
    state = packed(values)
    np.testing.assert_allclose(unpacked(state), values, atol=1e-6 * np.abs(values).max())
    assert len(state["bytes"]) == 4 * 1000
    assert unpacked(packed([0, 0])).tolist() == [0, 0]
    np.testing.assert_allclose(unpacked(packed([-3, 3, -1e-9])), [-3, 3, 0], atol=1e-8)
    with pytest.raises(ValueError, match="must be finite"):
        packed([1, np.nan])


def test_the_page_stays_small():
    assert len(example().html()) < 60_000


def test_where_and_how_large_a_drawing_stands_does_not_matter():
    large, moved = drawn((2, 2, 26, 6), (22, 2, 26, 18)), drawn((4, 9, 28, 13), (24, 9, 28, 25))
    half = drawn((9, 10, 21, 12), (19, 10, 21, 18))
    np.testing.assert_allclose(centred(large), centred(moved))
    np.testing.assert_allclose(centred(large), centred(half))
    assert centred(large)[:, [0, -1]].max() < centred(large).max() == 1


def test_a_dot_is_not_blown_up():
    assert centred(drawn((0, 0, 1, 1))).sum() == pytest.approx(64 / 144)


def test_a_full_field_is_all_ink():
    np.testing.assert_allclose(centred(np.ones((28, 28), bool)), np.ones((8, 8)))


@pytest.fixture(scope="module")
def reader():
    """The chapter's network, trained; Adam for speed."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(784, 16), nn.Sigmoid(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 10)
    )
    x = F.interpolate(SMALL[:, None], size=(28, 28), mode="bilinear")[:, 0].flatten(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(150):
        loss = F.cross_entropy(net(x), torch.tensor(RAW.target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


ROW, COLUMN = np.mgrid[:28, :28] + 0.5
ROUND = np.abs(np.hypot((COLUMN - 13) / 6, (ROW - 14) / 10) - 1) < 0.22


@pytest.mark.parametrize(
    "digit, ink",
    [
        (0, ROUND),
        (1, drawn((3, 13, 25, 16))),
        (7, drawn((4, 7, 7, 21), (6, 17, 14, 20), (13, 15, 24, 18))),
    ],
)
def test_drawings_are_read(reader, digit, ink):
    picture = Digits(reader, SMALL[:2], RAW.target[:2], example=0)
    picture.strokes = strokes(ink)
    assert picture.activations()[2].argmax() == digit
    assert picture.summary().startswith("Your drawing, cells with ink: ")


def test_it_says_what_is_shown():
    picture = example()
    assert picture.summary().startswith("Example 1 of 4: somebody wrote a 0. The network says ")
    picture.strokes = strokes(drawn((0, 0, 3, 3)))
    assert "somebody wrote a 0, and you painted on it." in picture.summary()
    picture.example, picture.strokes = 0, ""
    assert picture.summary().startswith("Nothing is drawn. The network says ")
    picture.strokes = "zz"
    with pytest.raises(ValueError, match="strokes='zz' must be empty or 196 hexadecimal"):
        picture.summary()


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"network": nn.Linear(784, 10)}, ValueError, "give 784-16-16-10"),
        ({"examples": SMALL[0]}, ValueError, "has shape (8, 8); give (n, 8, 8)"),
        ({"examples": SMALL[:0], "answers": []}, ValueError, "n at least 1"),
        ({"examples": SMALL[:2] * 16}, ValueError, "sixteenths from 0 to 1"),
        ({"examples": SMALL[:2] * np.nan}, ValueError, "sixteenths from 0 to 1"),
        ({"answers": [1]}, ValueError, "1 answers for 2 examples"),
        ({"answers": [1, 10]}, ValueError, "an answer=10 must be from 0 to 9"),
        ({"answers": [1, 0.5]}, TypeError, "must be a whole number"),
        ({"example": 3}, ValueError, "example=3 must be from 0 to 2"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    given = {"network": network(), "examples": SMALL[:2], "answers": [0, 1]} | arguments
    with pytest.raises(error) as raised:
        Digits(given.pop("network"), given.pop("examples"), given.pop("answers"), **given)
    assert told in str(raised.value)
