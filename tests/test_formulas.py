"""Formulas at the build: TeX's structure and spaces as MathML, and a font that has what they show."""

from io import BytesIO
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from authoring.extensions.formulas import FONT, ROOT, cut, drawn
from authoring.extensions.mathml import BETWEEN, KINDS, TeXError, mathml
from authoring.extensions.mathml_symbols import ACCENTS, ALPHABETS, BRACES, SYMBOLS


def bare(tex: str, display: bool = True) -> str:
    """The formula's MathML within <math>, without attributes."""
    tree = ElementTree.fromstring(mathml(tex, display))
    for part in tree.iter():
        part.attrib.clear()
    made = ElementTree.tostring(tree, encoding="unicode")
    return made.removeprefix("<math>").removesuffix("</math>")


def spaces(tex: str, display: bool = True) -> list[tuple[str, str, str]]:
    """Each sign with the space before and after it, in the order of the formula."""
    tree = ElementTree.fromstring(mathml(tex, display))
    return [(mo.text, mo.get("lspace"), mo.get("rspace")) for mo in tree.iter("mo")]


@pytest.mark.parametrize(
    "tex, made",
    [
        ("x_1", "<msub><mi>x</mi><mn>1</mn></msub>"),
        ("x^2_i", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        ("x^12", "<mrow><msup><mi>x</mi><mn>1</mn></msup><mn>2</mn></mrow>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        ("0.25", "<mn>0.25</mn>"),
        (r"\text{if } x", "<mrow><mtext>if\xa0</mtext><mi>x</mi></mrow>"),
        (r"\sum_i x", "<mrow><munder><mo>∑</mo><mi>i</mi></munder><mspace /><mi>x</mi></mrow>"),
        (r"\mathbf{x}\mathbb R\mathcal{L}", "<mrow><mi>𝐱</mi><mi>ℝ</mi><mi>ℒ</mi></mrow>"),
        (
            r"\operatorname{softmax}(x)",
            "<mrow><mi>softmax</mi><mo>(</mo><mi>x</mi><mo>)</mo></mrow>",
        ),
        ("f''", "<mrow><mi>f</mi><mo>″</mo></mrow>"),
        (
            r"\begin{aligned} a &= b \\ &= c \end{aligned}",
            "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mrow /><mo>=</mo><mi>b</mi></mtd></mtr>"
            "<mtr><mtd /><mtd><mrow /><mo>=</mo><mi>c</mi></mtd></mtr></mtable>",
        ),
        (
            r"\begin{cases} 1 & x \\ 0 \end{cases}",
            "<mrow><mo>{</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mi>x</mi></mtd></mtr>"
            "<mtr><mtd><mn>0</mn></mtd></mtr></mtable></mrow>",
        ),
    ],
)
def test_structure(tex, made):
    assert bare(tex) == made


def test_spaces_are_tex_own():
    """Chapter 18 of The TeXbook: what joins has space, a sign before a number has none, nor in scripts."""
    medium, thick = ".222em", ".278em"
    assert spaces("a + b") == [("+", medium, medium)]
    assert spaces("L = -x") == [("=", thick, "0"), ("−", thick, "0")]
    assert spaces("e^{a + b = c}") == [("+", "0", "0"), ("=", "0", "0")]
    assert spaces("a / b") == [("/", "0", "0")]
    assert spaces("|g|^2") == [("|", "0", "0")] * 2
    assert spaces("f(a, b)")[1] == (",", "0", ".167em")
    assert "<mspace" in mathml(r"\ln x", False) and "<mspace" not in mathml(r"\ln(x)", False)
    assert set(BETWEEN) == set(KINDS) and {len(row) for row in BETWEEN.values()} == {len(KINDS)}


@pytest.mark.parametrize(
    "tex, told",
    [
        (r"\foo x", r"'\\\\foo' is unknown"),
        (r"\frac{1}", "it ends"),
        ("a_b_c", "two times '_'"),
        (r"\left( x", r"\\right"),
        ("x}", "has no beginning"),
        ("{x", "'}'"),
        (r"\begin{foo} x \end{foo}", "unknown environment"),
        (r"\begin{cases} x \end{aligned}", "ends as 'aligned'"),
        (r"\text{$x$}", "only words"),
        (r"a \\ b", "has no beginning"),
        (r"\left x y \right)", "no bracket"),
        (r"\mathbb{é}", "no double-struck"),
    ],
)
def test_what_cannot_be_read_is_told(tex, told):
    with pytest.raises(TeXError, match=told):
        mathml(tex, display=True)


def test_a_formula_keeps_its_tex_and_says_how_it_stands():
    assert 'alttext="a &lt; b"' in mathml(" a <\n b % less\n", display=False)
    assert 'display="block"' in mathml("x", display=True)
    assert "display=" not in mathml("x", display=False)


def test_the_font_has_every_sign_that_formulas_may_hold():
    shown = {sign for _, sign in SYMBOLS.values()}
    shown |= {sign for sign, *_ in [*ACCENTS.values(), *BRACES.values()]}
    has = TTFont(FONT).getBestCmap()
    assert not [sign for sign in "".join(shown) if ord(sign) not in has]
    for alphabet in ALPHABETS:
        assert all(ord(sign) in has for sign in drawn(mathml(rf"\{alphabet}{{AZ}}", False)))


def test_the_font_of_a_page_has_what_the_page_shows_and_little_more():
    signs = drawn(mathml(r"h_1 + \sqrt{\pi}", display=False)) | {ROOT}
    assert signs == set("h1+πℎ√𝜋")  # single letters also as browsers slant them
    font = TTFont(BytesIO(cut(FONT, signs)))
    assert set(font.getBestCmap()) == {ord(sign) for sign in signs}
    assert "MATH" in font and len(font.getGlyphOrder()) < 30
    with pytest.raises(ExtensionError, match="'한'"):
        cut(FONT, {"한"})
