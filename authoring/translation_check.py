"""What is unsound in a translation: what it has lost or added, and what would show wrongly.

`unsound` compares what is said in English with what is said in Korean: formulas, code, links, roles, place-holders,
numbers, the shape of a text, its questions. It renders the Korean: CommonMark leaves asterisks in sight where a bold
word ends between a sign and a Hangul letter. And it holds some of ``translations/ko/TERMS.md`` and ``STYLE.md``.
"""

import re
from collections import Counter
from collections.abc import Iterator

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from authoring import predictions

ROLE = re.compile(r"\{([a-z:-]+)\}`([^`]*)`")
KEEP = re.compile(r"\$\$.*?\$\$|(?<!\\)\$[^$\n]+(?<!\\)\$|``.+?``|`[^`\n]+`|\]\([^)]+\)|!\[", re.S)
HOLDER = re.compile(r"\{\w*\}")
RENDER = MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin)
UNSPOKEN = re.compile(
    r"<pre>.*?</pre>|<code>.*?</code>|<eq>.*?</eq>|<span class=\"math.*?</span>|<div class=\"math.*?</div>|<[^>]+>",
    re.S,
)
SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
WORDS = {word: n for n, word in enumerate(SMALL.split())} | {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
    "a": 1,
    "once": 1,
    "twice": 2,
    "double": 2,
    "zeros": 0,
    "half": 0.5,
    "third": 3,
    "quarter": 4,
    "tenth": 10,
    "hundredth": 100,
    "thousandth": 1000,
    "first": 1,
    "second": 2,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "hundred": 100,
    "thousand": 1000,
    "both": 2,
    "pair": 2,
    "dozen": 12,
}
PARTS = {"hundredths": 1e-2, "thousandths": 1e-3, "millionths": 1e-6}
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
OF_PART = re.compile(r"(백만|천|백)분의 ([\d.]*\d)")  # 백만분의 2.7
KOREAN_SCALES = {
    "백만분": 1e-6,
    "천분": 1e-3,
    "백분": 1e-2,
    "천만": 1e7,
    "백만": 1e6,
    "천": 1e3,
    "만": 1e4,
    "억": 1e8,
    "조": 1e12,
}
NUMBER = r"\d[\d,]*(?:\.\d+)?"
ENGLISH = re.compile(rf"({NUMBER})(?:[\s-]?({'|'.join(PARTS | SCALES)}))?")
KOREAN = re.compile(rf"({NUMBER})(?:\s?({'|'.join(KOREAN_SCALES)})(?!큼))?")
BLOCK = re.compile(r"(#+ |- |\d+\. |<\w+|</\w+|\|)?")
NEVER = re.compile(
    r"자기 주의|교차 주의|매개변수|모수(?![가-힣]*적)|라벨|숨겨진 층|히든 레이어|변환기|그래디언트|그라디언트|변화도"
    r"|코퍼스|윈도(?!우)|오버피팅|과대적합|당신|그녀|그것들|바닥[이을]? ?(?:나다|난|났|나서|나면|납니다|내다|냈)"
    r"|되어지|하십시오"
)
# How a particle begins after a sound: what follows a consonant, and what follows a vowel.
AFTER_VOWEL = r"(?:는|를|와|가)(?![가-힣])"
AFTER_CONSONANT = r"(?:은|을|과)(?![가-힣])|으로(?![가-힣])|이(?=[\s,.])"
HANGS_ON_HOLDER = re.compile(
    r"\}(?:은|는|이|가|을|를|과|와|으로|로|이라|라|이라는|라는|이라고|라고)(?![가-힣/])"
)
CONSONANT = re.compile(
    rf"(?<!GPT-)(?:\d[\d,.]*[013678]|(?<![\d.,])[013678]|\b[A-Z]*[LMNR]){AFTER_VOWEL}"
)
VOWEL = re.compile(
    rf"(?:\d[\d,.]*[2459]|(?<![\d.,])[2459]|\b[A-Z]*[ABCDEFGHIJKOPQSTUVWXYZ])(?:{AFTER_CONSONANT})"
)


def unsound(
    english: str, korean: str, *, markdown: bool = True, entry: bool = False
) -> Iterator[str]:
    """What is wrong with the translation, a sentence each.

    markdown: the text is Markdown and not plain. entry: it is one of the glossary's, whose first lines may have any
    word under which somebody looks.
    """
    if markdown:
        yield from kept(english, korean)
        yield from shape(english, korean)
        if "*" in UNSPOKEN.sub("", RENDER.render(bare_roles(korean))):
            yield "an emphasis that is not rendered: bold ends at a letter, before the bracket"
        yield from questions(english, korean)
    yield from holders(english, korean)
    yield from numbers(english, korean)
    yield from language(
        english, korean, "\n".join(re.findall("^ .*", korean, re.M)) if entry else korean
    )


def bare_roles(text: str) -> str:
    return ROLE.sub(lambda found: found[2].partition(" <")[0] or "x", text)


def roles(text: str) -> Counter:
    """Each role with where it leads; what it shows may differ."""
    return Counter(
        (found[1], re.sub(r"^.*<(.+)>$", r"\1", " ".join(found[2].split()), flags=re.S))
        for found in ROLE.finditer(text)
    )


def kept(english: str, korean: str) -> Iterator[str]:
    if (a := roles(english)) != (b := roles(korean)):
        yield f"roles: lost {sorted((a - b).elements())}, new {sorted((b - a).elements())}"
    before, after = (Counter(KEEP.findall(ROLE.sub(" ", text))) for text in (english, korean))
    for what in dict.fromkeys([*before, *after]):
        if before[what] != after[what]:
            yield f"{what!r} stands there {after[what]} times, in English {before[what]}"


def shape(english: str, korean: str) -> Iterator[str]:
    a, b = (
        [BLOCK.match(block.strip())[0] for block in re.split(r"\n\s*\n", text.strip())]
        for text in (english, korean)
    )
    if a != b:
        yield f"its blocks {a} became {b}"
    a, b = (len(re.findall(r"^(?:- |\d+\. |\| )", text, re.M)) for text in (english, korean))
    if a != b:
        yield f"{a} items or rows became {b}"
    if tags(english) != tags(korean):
        yield "other HTML tags"


def tags(text: str) -> list[str]:
    return re.findall(r"</?\w+", ROLE.sub(" ", text))


def questions(english: str, korean: str) -> Iterator[str]:
    """A question asks for the same, and has the same answers."""
    if not predictions.is_question(english):
        return
    asked = predictions.read(english)
    try:
        asks = predictions.read(korean, "ko")
    except predictions.BadPrediction as error:
        yield f"as a question: {error}"
        return
    if asks != asked:
        yield f"as a question {asked} became {asks}"


def holders(english: str, korean: str) -> Iterator[str]:
    a, b = (Counter(HOLDER.findall(ROLE.sub(" ", text))) for text in (english, korean))
    if set(a) != set(b):
        yield f"place-holders {sorted(a)} became {sorted(b)}"
    if found := HANGS_ON_HOLDER.search(KEEP.sub(" ", korean)):
        yield f"a particle hangs on a place-holder: {found[0]!r}"


def plain(text: str) -> str:
    text = re.sub(r"\{[a-z:-]+\}`", " `", text)
    return re.sub(r"https?://\S+", " ", KEEP.sub(" ", ROLE.sub(" ", text)))


def values(text: str, found: re.Pattern, scales: dict[str, float]) -> Counter:
    """The numbers that are written in digits, with the word of scale behind them."""
    return Counter(
        round(float(match[1].replace(",", "")) * scales.get(match[2], 1), 9)
        for match in found.finditer(OF_PART.sub(r"\2\1분", plain(text)))
    )


def in_words(text: str) -> set[float]:
    words = set(re.findall(r"[a-z]+", plain(text).lower()))
    found = {WORDS[word] for word in words if word in WORDS}
    found |= {
        scale * k
        for word, scale in SCALES.items()
        if word in words or f"{word}s" in words
        for k in ({1, 0.5} | {WORDS[word] for word in words if word in WORDS})
    }
    found |= {1} if words & {"a", "an", "one"} else set()
    return found | {1 / n for n in found if n}


def numbers(english: str, korean: str) -> Iterator[str]:
    a, b = values(english, ENGLISH, PARTS | SCALES), values(korean, KOREAN, KOREAN_SCALES)
    # "65 billion, not 70": what counts billions may leave the word out
    scales = [1, *(scale for word, scale in SCALES.items() if word in english)]
    may = {n: {round(n * scale, 9) for scale in scales} for n in a}
    lost = [n for n in a if not may[n] & b.keys()]
    new = [n for n in b if n not in in_words(english).union(*may.values())]
    if lost or new:
        yield f"numbers: lost {lost}, new {new}"


def language(english: str, korean: str, own: str) -> Iterator[str]:
    """own: the part of the text that is bound to our words."""
    said = plain(korean)
    letters = re.findall(r"[A-Za-z가-힣]", HOLDER.sub("", said))
    hangul = sum("가" <= letter <= "힣" for letter in letters)
    if len(letters) > 12 and hangul < 0.2 * len(letters):
        yield "hardly any Korean"
    if found := NEVER.search(plain(own)):
        yield f"never {found[0]!r}: see TERMS.md and STYLE.md"
    for wrong in (CONSONANT, VOWEL):
        if found := wrong.search(said):
            yield f"the particle in {found[0]!r} is that of another sound"
