"""The files that people have: each kind, how it is packed and coded, and what is said of a bad one."""

import bz2
import codecs
import gzip
import json
import lzma
import sys
from pathlib import Path

import pytest

from nbutils import text, text_files
from nbutils.tokens import END

DOCUMENTS = [f"document {i}\nof 가나다" for i in range(25)]


def gzipped(content: bytes) -> bytes:
    """Packed without a time: it stands in a test's name, which every process must find the same."""
    return gzip.compress(content, mtime=0)


LINES = "".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(DOCUMENTS))


@pytest.fixture
def write(tmp_path):
    def write(content, name="book.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path) -> list[str]:
    return list(text.read(path))


# --- kinds --------------------------------------------------------------------------------------


def test_a_json_lines_file_is_split_by_its_documents(write):
    path = write(LINES, "web.jsonl")
    assert text.load(path, "val") == DOCUMENTS[9::10]
    assert read(path) == DOCUMENTS


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.jsonl.gz", gzipped(LINES.encode())),
        ("a.JSONL.bz2", bz2.compress(LINES.encode())),
        ("a.ndjson.xz", lzma.compress(LINES.encode())),
        ("a.ndjson", LINES.replace("\n", "\r\n\r\n")),
        ("a.jsonl", LINES.encode("utf-16")),
        ("a.jsonl", codecs.BOM_UTF8 + LINES.encode()),
        ("strings.jsonl", "\n".join(map(json.dumps, DOCUMENTS))),
        ("a.json", json.dumps(DOCUMENTS)),
        ("a.json", json.dumps([{"text": text} for text in DOCUMENTS], indent=1)),
        ("lines.json", LINES),
        ("a.txt", "\n\n".join(DOCUMENTS)),
        ("a.txt", "\r\n\r\n".join(DOCUMENTS).replace("\nof", "\r\nof")),
        ("mac.txt", "\r\r".join(DOCUMENTS).replace("\n", "\r")),
        ("utf16.txt", "\r\n\r\n".join(DOCUMENTS).encode("utf-16")),
        ("be.txt", codecs.BOM_UTF16_BE + END.join(DOCUMENTS).encode("utf-16-be")),
        ("utf32.txt", END.join(DOCUMENTS).encode("utf-32")),
        ("a.txt.gz", gzipped(END.join(DOCUMENTS).encode())),
        ("packed_without_a_word", gzipped("\n\n".join(DOCUMENTS).encode())),
    ],
)
@pytest.mark.parametrize("piece", [1 << 22, 7])
def test_the_same_documents_in_every_kind_of_file(write, monkeypatch, piece, name, content):
    monkeypatch.setattr(text_files, "_PIECE", piece)
    assert read(write(content, name)) == DOCUMENTS


def test_a_parquet_file_gives_its_column(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    pq.write_table(pa.table({"id": range(25), "text": DOCUMENTS}), tmp_path / "web.parquet")
    assert read(tmp_path / "web.parquet") == DOCUMENTS
    pq.write_table(pa.table({"id": [1], "content": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="other.parquet has no column 'text', only: id, content"):
        read(tmp_path / "other.parquet")
    pq.write_table(pa.table({"text": ["a", None]}), tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="none.parquet, row 1: text is NoneType"):
        read(tmp_path / "none.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "web.parquet").read_bytes()[:300])
    with pytest.raises(ValueError, match="cut.parquet is damaged"):
        read(tmp_path / "cut.parquet")


def test_parquet_without_its_package(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'web.parquet.*pip install "nbutils\[fineweb\]"'):
        read(write(b"PAR1", "web.parquet"))


def test_a_folder_gives_a_document_for_each_text_in_the_order_of_names(write, tmp_path):
    for i, content in enumerate(DOCUMENTS):
        write(content.replace("\n", "\n\n"), f"books/{i:02}.txt")
    write(LINES, "books/more.jsonl")
    write(f"x{END}y", "books/more.txt")
    write("not read", "books/.hidden.txt")
    write("not read", "books/notes.md")
    wanted = [document.replace("\n", "\n\n") for document in DOCUMENTS]
    assert read(tmp_path / "books") == [*wanted, *DOCUMENTS, "x", "y"]
    assert text.load(tmp_path / "books", "val")[:2] == wanted[9:20:10]


def test_documents_without_text_are_left_out(write):
    assert read(write('{"text": "a"}\n\n{"text": " "}\n{"text": "b"}', "a.jsonl")) == ["a", "b"]
    with pytest.raises(ValueError, match="a.jsonl is empty"):
        read(write("\n", "a.jsonl"))


def test_home_is_meant_by_a_tilde(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write("some text", "a.txt")
    assert read("~/a.txt") == read(Path("~/a.txt")) == ["some text"]


# --- time ---------------------------------------------------------------------------------------


def test_a_long_document_is_not_searched_anew_with_each_piece():
    looked_at = []

    class Counted:
        def split(self, text):
            looked_at.append(len(text))
            return text.split("|")

    pieces = ["a" * 10] * 1000
    assert list(text_files._split_stream(pieces, Counted())) == ["a" * 10_000]
    assert sum(looked_at) < 4 * 10_000


# --- bad files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.jsonl", '{"text": "a"}\n{"text": "b"', r"a\.jsonl, line 2 is not JSON \(.*column"),
        ("a.jsonl", '{"content": "a", "id": 1}', "line 1 has no key 'text', only: content, id"),
        ("a.jsonl", '{"text": ["a"]}', "line 1: text is list, where a string is needed"),
        ("a.jsonl", "3", "line 1: text is int"),
        ("a.jsonl", '"half \\ud800"', "line 1 is not valid Unicode at character 5"),
        ("a.jsonl", b'{"text": "caf\xe9"}', "not UTF-8: byte 0xe9 at position 13.*may be CP1252"),
        ("a.json", b'["caf\xe9"]', "a.json is not UTF-8: byte 0xe9 at position 5"),
        ("a.json", '[\n"a",\n"b"', r"a\.json, line 3 is not JSON .*: the file must be a list"),
        ("a.json", "[{}]", "item 0 has no key 'text', only: none"),
        ("a.json", '{"data": []}', "item 0 has no key 'text', only: data"),
        ("a.json", "{", "a.json, line 1 is not JSON"),
        ("a.txt.gz", gzipped(b"some text" * 99)[:-9], r"a\.txt\.gz is damaged"),
        ("a.jsonl.xz", lzma.compress(LINES.encode())[:-40], r"a\.jsonl\.xz is damaged"),
        ("a.txt.bz2", bz2.compress(b"some text" * 99)[:40] + bytes(40), r"bz2 is damaged"),
        (
            "a.txt.gz",
            gzipped(b"\xb0\xa1" * 9),
            "it may be CP949; unpack it, then save it as UTF-8",
        ),
        (
            "a.tar.gz",
            gzipped(b"a.txt" + bytes(507) + b"some text"),
            "zero bytes.*a tar archive",
        ),
        ("a.txt", "some text".encode("utf-16-le"), "zero bytes.*UTF-16 without its mark"),
        ("a.txt", b"{\\rtf1 some text}", "rich text"),
        ("a.txt", b"%PDF-1.7 ...", "a.txt is a PDF, not text"),
        ("a.docx", b"PK\x03\x04 ...", "a zip archive"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd ...", "packed by zstd"),
        (
            "a.txt",
            "가나다".encode("cp949"),
            "may be CP949.*iconv -f CP949 -t UTF-8 .*a.txt > .*a-utf8",
        ),
        (
            "my a.txt",
            "café, thé".encode("cp1252"),
            "may be CP1252.*iconv -f CP1252 .* '.*my a.txt' > '",
        ),
        ("a.txt", "가나".encode() + b"\xe9 ", "byte 0xe9 at position 6 .*iconv -f THE_ENCODING"),
        ("a.txt", codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", "is not UTF-16"),
    ],
)
def test_a_bad_file_is_told_with_its_place(write, name, content, message):
    with pytest.raises(ValueError, match=message):
        read(write(content, name))


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.txt", LINES, r"name it \.jsonl or \.json if"),
        ("part-00000", json.dumps([{"text": "a b"}], indent=1), r"name it \.jsonl or \.json if"),
        ("a.csv", "text,label\ngood,1\n", r"save what is to be read as \.txt or \.jsonl"),
        ("a.html", "<p>good</p>", "all signs that are around"),
    ],
)
def test_what_is_read_with_its_signs_is_told_of(write, name, content, message):
    path = write(content, name)
    with pytest.warns(UserWarning, match=f"{path.name} is read as text.*{message}"):
        assert read(path) == [content.rstrip()]


def test_a_text_may_begin_with_a_brace(write, recwarn):
    assert read(write('{a set} and "more"')) and read(write("{{template}} text"))
    assert not recwarn


SPOKEN = f"The token {END} ends it.\n\nOr `{END}`.\n"


def test_a_text_that_only_speaks_of_end_is_cut_at_blank_lines(write, tmp_path):
    assert read(write(SPOKEN)) == SPOKEN.strip().split("\n\n")
    assert read(write(SPOKEN, "books/a.txt").parent) == [SPOKEN.strip()]


@pytest.mark.parametrize(
    "content", [f"a\n{END}\nb{END}c\n{END}", f"One. {END} Two. {END} Three.", f"{END} a"]
)
def test_an_end_is_no_word_of_a_sentence(write, content, recwarn):
    assert read(write(content)) == [
        part.strip("\n").rstrip() for part in content.split(END) if part
    ]
    assert not recwarn


def test_a_text_that_uses_end_and_speaks_of_it_is_told_of(write):
    with pytest.warns(UserWarning, match=r"book\.txt: .*inside a sentence.*\(times: 2\)"):
        assert len(read(write(f"{SPOKEN}{END}\nb"))) == 4


# --- names --------------------------------------------------------------------------------------


def test_the_folder_where_one_is_has_its_name(write, monkeypatch):
    folder = write("some text", "books/1.txt").parent
    monkeypatch.chdir(folder)
    assert text_files.described(Path(".")) == text_files.described(folder)


def test_a_corrected_file_has_another_name(write, tmp_path):
    described = [text_files.described(write(word)) for word in ("a word", "a Word", "a word")]
    assert described[0] == described[2] != described[1]
    assert all(name.startswith("book.txt, 6 bytes, sha256 ") for name in described)
    write("a", "books/1.txt")
    first = text_files.described(tmp_path / "books")
    (tmp_path / "books" / "1.txt").rename(tmp_path / "books" / "2.txt")
    assert first.startswith("books, 1 files, 1 bytes") and first != text_files.described(
        tmp_path / "books"
    )
