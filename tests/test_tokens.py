"""Encodings: the published ids, our BPE against two other programs, files, and every error."""

import base64
import json
import os
import random
import re
import unicodedata
from collections import Counter

import numpy as np
import pytest
import regex
import tiktoken
import torch
from commands import byte_alphabet
from hypothesis import given, settings
from hypothesis import strategies as st

from nbutils import bpe, text, tokens, windows

KOREAN = "나는 오늘 아침에 커피를 마셨다. 커피는 뜨거웠다. " * 3
ENGLISH = (
    "The cat sat on the mat. That cat's hat is flat, isn't it?\n\n"
    "    if cat == hat:\n        return 1024 + 2048  # 365 days\n"
)
TEXTS = {
    "english": ENGLISH * 2,
    "korean": KOREAN,
    "all ties": "abcdefghijklmnopqrstuvwxyz zyxwvutsrqponmlkjihgfedcba",
    "overlaps": "aaaa aaa aaaaaaaa aa a aaaaa bababab abababa",
    "spaces": "a  b   c    d\n\n\n e \t\t f\r\n g\u3000\u3000h   ",
    "emoji": "👩‍🚀 goes 🚀🚀🚀 to 🌕, é and e\u0301, \x00\x01\x7f\u200b",
    "one letter": "z",
}


@pytest.fixture(scope="module")
def trained():
    """An encoding with merges in several scripts."""
    return tokens.train_bpe(list(TEXTS.values()), 600)


# --- a second, slow, plain BPE, to hold the fast one to -----------------------------------------


def plain_merges(text, vocab_size):
    """Learn as the docstring of train_bpe says: most frequent pair, then the smaller ids."""
    words = [list(piece.encode()) for piece in regex.findall(tokens.SPLIT_PATTERN, text)]
    merges = []
    while 256 + len(merges) + 1 < vocab_size:
        counts = Counter(pair for word in words for pair in zip(word, word[1:]))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        words = [merge(word, best, 255 + len(merges)) for word in words]
    return merges


def merge(word, pair, new):
    out, i = [], 0
    while i < len(word):
        found = tuple(word[i : i + 2]) == pair
        out.append(new if found else word[i])
        i += 2 if found else 1
    return out


def learned_pairs(encoding):
    """The pair of ids behind each merge: what a token's bytes are just before it exists."""
    ranks = encoding._mergeable_ranks
    pairs = []
    for token, rank in ranks.items():
        if rank < 256:
            continue
        word = list(token)
        for earlier, pair in enumerate(pairs):
            word = merge(word, pair, 256 + earlier)
        pairs.append(tuple(word))
    return pairs


def rust_twin(encoding):
    """The same vocabulary in the Rust library, with its own GPT-2 splitting."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = byte_alphabet()
    spelled = {
        rank: "".join(alphabet[value] for value in token)
        for token, rank in encoding._mergeable_ranks.items()
    }
    merges = [(spelled[left], spelled[right]) for left, right in learned_pairs(encoding)]
    vocabulary = {spelling: rank for rank, spelling in spelled.items()}
    twin = Tokenizer(models.BPE(vocabulary, merges))
    twin.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    twin.decoder = decoders.ByteLevel()
    return twin


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_merges_equal_the_plain_algorithm(text):
    encoding = tokens.train_bpe(text, 330)
    assert learned_pairs(encoding) == plain_merges(text, 330)


@given(st.text(alphabet="ab c\n", max_size=60).filter(bool))
@settings(max_examples=150, deadline=None)
def test_ties_and_overlaps_equal_the_plain_algorithm(text):
    assert learned_pairs(tokens.train_bpe(text, 280)) == plain_merges(text, 280)


def test_merges_equal_the_plain_algorithm_on_real_text():
    from pydoc_data.topics import topics

    text = topics["string-methods"][:20_000]
    assert learned_pairs(tokens.train_bpe(text, 400)) == plain_merges(text, 400)


@pytest.mark.parametrize("letters", ["ACGT", " ", "나는커피를", "ab"])
def test_a_text_without_a_cut_is_learned_like_any(letters):
    text = "".join(random.Random(0).choices(letters, k=1500)) + "x"
    assert learned_pairs(tokens.train_bpe(text, 330)) == plain_merges(text, 330)


def test_learning_looks_at_few_places_for_each_letter(monkeypatch):
    """The plain way looks at all of them for each merge, which a genome has no time for."""
    looked_at, starts = [], bpe._Row._starts

    def counted(row, pair, left, right):
        looked_at.append(len(row.places[pair]))
        return starts(row, pair, left, right)

    monkeypatch.setattr(bpe._Row, "_starts", counted)
    text = "".join(random.Random(0).choices("ACGT", k=20_000))
    assert tokens.train_bpe(text, 1000).n_vocab == 1000
    assert len(looked_at) == 743 and sum(looked_at) < 2 * len(text)


# --- two engines, one encoding -------------------------------------------------------------------


@pytest.fixture(scope="module")
def twin(trained):
    return rust_twin(trained)


# Letters that only the newer of two Unicode versions knows may be cut differently by the two
# programs' regular expressions. Characters that Python itself has no name for are left out.
characters = st.characters(exclude_categories=["Cs", "Cn"])
familiar = st.sampled_from("".join(TEXTS.values()))


@given(st.text(characters, max_size=40) | st.text(familiar, max_size=80))
@settings(max_examples=400, deadline=None)
def test_encodes_like_the_rust_library(trained, twin, text):
    ids = trained.encode_ordinary(text)
    assert ids == twin.encode(text).ids
    assert trained.decode(ids) == text == twin.decode(ids)


ODD = ["", " ", "\x00", "안녕", "👩‍🚀", "a\u0301", "\u2028\x85x", tokens.END]


@given(st.text(characters, max_size=40) | st.text(familiar, max_size=80))
@settings(max_examples=200, deadline=None)
def test_split_cuts_where_the_encoding_does(trained, text):
    parts = tokens.split(text)
    assert "".join(parts) == text
    assert sum(map(trained.encode_ordinary, parts), []) == trained.encode_ordinary(text)


@pytest.mark.parametrize("text", ODD)
def test_encodes_these_like_the_rust_library(trained, twin, text):
    assert trained.encode_ordinary(text) == twin.encode(text).ids
    assert trained.decode(trained.encode_ordinary(text)) == text


@pytest.mark.parametrize("kind", [r"\p{L}", r"\p{N}", r"\s"])
def test_both_engines_know_the_same_letters_numbers_and_spaces(kind):
    """SPLIT_PATTERN is read by two programs: every character has to be the same kind in both."""
    from tokenizers import Regex, pre_tokenizers

    cut = pre_tokenizers.Split(Regex(kind), "removed")
    bytewise = {bytes([value]): value for value in range(256)}
    kept = tiktoken.Encoding("kind", pat_str=kind, mergeable_ranks=bytewise, special_tokens={})
    named = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cs", "Cn")]
    text = "\0".join(named)
    removed = set(text) - set("".join(piece for piece, _ in cut.pre_tokenize_str(text)))
    assert len(removed) > 20
    assert removed == set(kept.decode(kept.encode_ordinary(text)))


# --- the shape of an encoding --------------------------------------------------------------------


def test_ids_are_bytes_then_merges_then_end(trained):
    assert [trained.decode_single_token_bytes(i) for i in range(256)] == [
        bytes([value]) for value in range(256)
    ]
    assert trained.eot_token == trained.n_vocab - 1
    assert trained.decode([trained.eot_token]) == tokens.END
    assert trained.encode(tokens.END, allowed_special="all") == [trained.eot_token]


def test_vocab_size_counts_everything():
    assert tokens.train_bpe(ENGLISH, 300).n_vocab == 300
    assert tokens.train_bpe(ENGLISH, 257).n_vocab == 257
    assert tokens.train_bpe("ab ab", 1000).n_vocab == 256 + 2 + 1  # "ab" and " ab", no more


def test_no_merge_crosses_a_piece(trained):
    learned = [token for token, rank in trained._mergeable_ranks.items() if rank >= 256]
    words = [token.decode(errors="ignore") for token in learned]
    assert " the" in words or " cat" in words
    assert not [word for word in words if re.search(r"\S\s", word)]


def test_one_string_and_its_lines_learn_the_same():
    text = "\n\n".join(TEXTS.values()) * 2
    whole = plain_merges(text, 300)
    assert learned_pairs(tokens.train_bpe(text, 300)) == whole
    assert learned_pairs(tokens.train_bpe(iter([text]), 300)) == whole


@given(st.text(familiar, max_size=80))
@settings(max_examples=100, deadline=None)
def test_cut_by_our_own_hand_a_text_has_the_same_ids(trained, text):
    for encoding in (trained, tokens.get_encoding("cl100k_base")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tokens, "_has_long_run", lambda text: True)
            assert tokens.encode(text, encoding) == encoding.encode_ordinary(text)


def test_pieces_join_to_the_text(trained):
    for sample in TEXTS.values():
        shown = tokens.pieces(sample, trained)
        assert b"".join(piece for _, piece in shown) == sample.encode()
        assert [token for token, _ in shown] == trained.encode_ordinary(sample)


@pytest.mark.parametrize(
    "text, vocab_size, error, message",
    [
        ("", 300, ValueError, "text is empty"),
        (["", ""], 300, ValueError, "text is empty"),
        (["fine", 3], 300, TypeError, r"text\[1\] is int, where str"),
        (b"bytes", 300, TypeError, "text is bytes"),
        (None, 300, TypeError, "text is NoneType"),
        ("a\ud800", 300, ValueError, "not valid Unicode at character 1"),
        ("text", 256, ValueError, "vocab_size=256"),
        ("text", -1, ValueError, "vocab_size=-1"),
        ("text", 300.0, TypeError, "vocab_size=300.0"),
        ("text", 10**12, ValueError, "vocab_size=1000000000000 is too large.* 1,000,000"),
        ("text", 2**70, ValueError, "vocab_size=1180591620717411303424 is too large"),
        ("text", 1_000_001, ValueError, "vocab_size=1000001 is too large"),
    ],
)
def test_train_errors_name_the_argument(text, vocab_size, error, message):
    with pytest.raises(error, match=message):
        tokens.train_bpe(text, vocab_size)


# --- documents -----------------------------------------------------------------------------------


def test_documents_stand_between_ends(trained):
    ids = tokens.encode_documents(["cat", "", "hat"], trained)
    end = trained.eot_token
    cat, hat = trained.encode_ordinary("cat"), trained.encode_ordinary("hat")
    assert ids.tolist() == [end, *cat, end, end, *hat, end]
    assert ids.dtype == np.uint16
    assert tokens.encode_documents(iter([]), trained).tolist() == [end]


def test_a_stream_of_documents_is_the_same_row_in_parts(trained):
    documents = ["cat", "", KOREAN, ENGLISH]
    parts = list(tokens.encode_stream(iter(documents), trained))
    whole = tokens.encode_documents(documents, trained)
    assert len(parts) == 1 + len(documents)
    assert {part.dtype for part in parts} == {whole.dtype}
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_stream_asks_for_a_document_only_when_it_is_due(trained):
    asked = []
    stream = tokens.encode_stream((asked.append(i) or "cat" for i in range(9)), trained)
    assert [next(stream).tolist()[-1] for _ in range(3)] == [trained.eot_token] * 3
    assert asked == [0, 1]


def test_a_stream_becomes_a_token_file_with_one_end_between_documents(trained, tmp_path):
    documents = text.load("smallworld", "val", n_documents=50)
    wanted = tokens.encode_documents(documents, trained)
    ids = tokens.encode_stream(documents, trained)
    assert windows.write_tokens(tmp_path / "x", ids, trained.n_vocab) == len(wanted)
    assert np.array_equal(windows.open_tokens(tmp_path / "x"), wanted)


def test_a_large_vocabulary_takes_four_bytes():
    ids = tokens.encode_documents(["|Viewing"], tokens.get_encoding("cl100k_base"))
    assert ids.dtype == np.uint32
    assert ids.tolist() == [100257, 91, 860, 287, 100257]


def test_spelled_end_is_ordinary_text(trained):
    with pytest.warns(UserWarning):
        ids = tokens.encode_documents([f"a {tokens.END} b"], trained)
    assert np.count_nonzero(ids == trained.eot_token) == 2


def test_a_document_that_spells_end_is_told_of(trained):
    with pytest.warns(
        UserWarning, match=r"^documents that mention <.*: 1, first documents\[1\]"
    ) as told:
        tokens.encode_documents(["a", f"a {tokens.END} b"], trained)
    assert len(told) == 1 and told[0].filename == __file__


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda e: tokens.encode_documents(None, e), "documents is NoneType: give a list"),
        (lambda e: tokens.encode_documents([["a"]], e), r"documents\[0\] is list, where str"),
        (lambda e: tokens.encode_documents(["a"], "gpt2"), "encoding='gpt2' is str.*get_encoding"),
        (lambda e: tokens.encode_stream(3, e), "documents is int"),
        (lambda e: tokens.encode(3, e), "text is int, where str"),
        (lambda e: tokens.pieces(b"a", e), "text is bytes, where str"),
        (lambda e: tokens.split(["a"]), "text is list, where str"),
        (lambda e: tokens.decode("ab", e), "ids='ab' must be one row of token ids"),
        (lambda e: tokens.decode(3, e), "ids=3 must be one row of token ids"),
        (lambda e: tokens.decode(np.zeros((2, 2), int), e), "must be one row of token ids"),
        (lambda e: tokens.decode([1.0], e), "must be one row of token ids"),
        (lambda e: tokens.decode([1], None), "encoding=None is NoneType, not an encoding"),
        (lambda e: tokens.save("gpt2", "x"), "encoding='gpt2' is str, not an encoding"),
        (lambda e: tokens.unused_ids("gpt2"), "encoding='gpt2' is str, not an encoding"),
        (lambda e: tokens.train_bpe("text", True), "vocab_size=True must be a whole number"),
        (lambda e: tokens.train_bpe("text", "300"), "vocab_size='300' must be a whole number"),
    ],
)
def test_what_is_of_a_wrong_type_is_named(trained, call, message):
    with pytest.raises(TypeError, match=message):
        call(trained)


def test_numbers_of_numpy_and_torch_are_numbers(trained):
    assert tokens.train_bpe(ENGLISH, np.int64(300)).n_vocab == 300
    ids = trained.encode_ordinary("the cat")
    for row in (ids, tuple(ids), iter(ids), np.array(ids, np.uint16), torch.tensor(ids)):
        assert tokens.decode(row, trained) == "the cat"


def test_an_encoding_writes_a_tensor_of_ids_too():
    encoding = tokens.get_encoding("cl100k_base")
    ids = torch.tensor(encoding.encode("a text"))
    assert encoding.decode(ids) == encoding.decode(ids.numpy()) == "a text"
    assert encoding.decode([-1, 2**40]) == 2 * tokens.NO_TOKEN
    with pytest.raises(TypeError, match="ids='a text' must be one row of token ids"):
        encoding.decode("a text")
    with pytest.raises(UnicodeDecodeError):
        encoding.decode([encoding.encode_single_token(b"\xff"), -1], errors="strict")


def test_documents_errors(trained):
    with pytest.raises(TypeError, match="documents is one string"):
        tokens.encode_documents("text", trained)
    with pytest.raises(TypeError, match="documents is dict: give a list of strings"):
        tokens.encode_documents({"text": ["one", "two"]}, trained)
    with pytest.raises(TypeError, match=r"documents\[0\] is bytes, where str is needed"):
        tokens.encode_documents([b"text"], trained)
    with pytest.raises(ValueError, match=r"documents\[1\] is not valid Unicode at character 2"):
        tokens.encode_documents(["fine", "ab\udc80"], trained)
    with pytest.raises(ValueError, match=r"text is not valid Unicode at character 0.*errors="):
        tokens.pieces("\ud800a", trained)
    with pytest.raises(TypeError, match="documents is one string"):
        tokens.encode_stream("text", trained)  # at once, not at the first part
    ranks = {b"a": 0}
    endless = tiktoken.Encoding("endless", pat_str=".", mergeable_ranks=ranks, special_tokens={})
    with pytest.raises(ValueError, match="'endless' has no <|endoftext|>"):
        tokens.encode_documents(["a"], endless)


# --- files ---------------------------------------------------------------------------------------


def test_save_and_load(trained, tmp_path):
    path = tmp_path / "mine.json"
    tokens.save(trained, path)
    for again in (tokens.get_encoding(path), tokens.get_encoding(str(path))):
        assert again.name == trained.name
        assert again._mergeable_ranks == trained._mergeable_ranks
        assert again.special_tokens_set == {tokens.END}
        for sample in TEXTS.values():
            assert again.encode_ordinary(sample) == trained.encode_ordinary(sample)
    assert os.listdir(tmp_path) == ["mine.json"]


def test_the_saved_file_is_plain(trained, tmp_path):
    tokens.save(trained, tmp_path / "mine.json")
    content = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert content["tokens"][base64.b64encode(b"a").decode()] == ord("a")


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b"{}", b'{"format": "other"}', b"\xff\xfe\x00", b"3"]
)
def test_a_foreign_file_is_named(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="foreign.*is not an encoding"):
        tokens.get_encoding(path)


def test_a_truncated_or_altered_file_is_named(trained, tmp_path):
    path = tmp_path / "mine.json"
    tokens.save(trained, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="is not an encoding"):
        tokens.get_encoding(path)
    content = json.loads(whole)
    content["tokens"]["YQ=="] = "ninety-seven"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match="is not an encoding"):
        tokens.get_encoding(path)


A, B, AB = (base64.b64encode(token).decode() for token in (b"a", b"b", b"ab"))


@pytest.mark.parametrize(
    "change, message",
    [
        ({A: -97}, "-97 is no token's id"),
        ({A: 2**32}, "4294967296 is no token's id"),
        ({A: 98}, "two tokens have the same id"),
        ({A: 97.0}, "97.0 is no token's id"),
        ({A: None}, "None is no token's id"),
        ({A: True}, "True is no token's id"),
        ({AB: 1}, "two tokens have the same id"),
        ({AB: 257}, "two tokens have the same id"),
        ({AB: 258}, "no token has the id 256"),
        ({AB: 2**31}, "no token has the id 256"),
        ({"YQ": 256}, "padding"),
        ({"Y Q==": 256}, ""),
        ({"": 256}, "empty"),
    ],
)
def test_ids_that_would_make_tiktoken_panic_are_named(tmp_path, change, message):
    path = tmp_path / "mine.json"
    tokens.save(tokens.train_bpe("z", 300), path)
    content = json.loads(path.read_text("utf-8"))
    content["special_tokens"][tokens.END] = 257
    content["tokens"] |= {AB: 256} | change
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=f"mine.json' is not an encoding.*{message}"):
        tokens.get_encoding(path)


def test_a_file_without_all_bytes_is_named(tmp_path):
    path = tmp_path / "mine.json"
    tokens.save(tokens.train_bpe("z", 300), path)
    content = json.loads(path.read_text("utf-8"))
    del content["tokens"][B]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match="is not an encoding.*the byte 98 is missing"):
        tokens.get_encoding(path)


@pytest.mark.parametrize("special", [0, -1, "257", None])
def test_a_special_token_needs_an_id_of_its_own(tmp_path, special):
    path = tmp_path / "mine.json"
    tokens.save(tokens.train_bpe("z", 300), path)
    content = json.loads(path.read_text("utf-8"))
    content["special_tokens"][tokens.END] = special
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match="is not an encoding"):
        tokens.get_encoding(path)


def test_a_special_token_may_stand_among_the_others_as_in_p50k_base(tmp_path):
    ranks = {bytes([value]): value for value in range(256)} | {b"ab": 257}
    specials = {tokens.END: 256, "<|far|>": 1000}
    mixed = tiktoken.Encoding("mixed", pat_str=".+", mergeable_ranks=ranks, special_tokens=specials)
    tokens.save(mixed, tmp_path / "mine.json")
    assert tokens.get_encoding(tmp_path / "mine.json").encode("abc") == [257, 99]
