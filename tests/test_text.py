"""Where text comes from: every source, both splits, and what is said when one is missing."""

import builtins
import random
import re
import sys
from itertools import islice

import pytest

from nbutils import smallworld, text, text_files
from nbutils.tokens import END


def both(name):
    return text.load(name, "train"), text.load(name, "val")


@pytest.fixture
def write(tmp_path):
    def write(content, name="book.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- the split --------------------------------------------------------------------------------


def test_every_tenth_document_is_validation(write):
    documents = [f"document {i}" for i in range(25)]
    train, val = both(write("\n\n".join(documents)))
    assert val == ["document 9", "document 19"]
    assert sorted(train + val) == sorted(documents)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 91])
def test_smallworld_is_split_like_the_rest(split, n):
    world = smallworld.generate(10 * n + 10)
    wanted = [d for i, d in enumerate(world) if (i % 10 == 9) == (split == "val")]
    assert text.load("smallworld", split, n_documents=n) == wanted[:n]


def test_smallworld_by_default_is_enough_to_train_on():
    train, val = both("smallworld")
    assert len(train) == 9 * len(val)
    assert sum(map(len, train)) > 3_000_000


def test_n_documents_limits_a_file_too(write):
    path = write("\n\n".join(map(str, range(30))))
    assert text.load(path, n_documents=4) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("name", ["smallworld", "pydocs"])
def test_unknown_split_and_n_documents(name):
    with pytest.raises(ValueError, match=r"split='test'.*\"train\" or \"val\""):
        text.load(name, "test")
    with pytest.raises(ValueError, match="n_documents=0.*at least 1"):
        text.load(name, n_documents=0)


# --- document by document ---------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
def test_a_file_is_read_in_pieces_that_do_not_show(write, monkeypatch, piece):
    content = "\ufeff한글\r\n\r\n \t\na\r\rb\n \u3000\n\n\n  c\n\r\n" + "d e\n" * 5
    for name, between in (("blank.txt", "\n \r\n"), ("end.txt", f"\n{END}")):
        path = write(between.join([content] * 12), name)
        monkeypatch.setattr(text_files, "_PIECE", 1 << 22)
        at_once = list(text.read(path))
        monkeypatch.setattr(text_files, "_PIECE", piece)
        assert list(text.read(path)) == at_once
        assert ["한글" in d for d in at_once].count(True) == 12
    assert len(at_once) == 12


def test_read_gives_what_load_splits(shards, write):
    path = write("\n\n".join(map(str, range(30))))
    for name, n in (("pydocs", None), ("smallworld", 50), ("fineweb", None), (path, None)):
        train, val = list(text.load(name)), list(text.load(name, "val"))
        documents = list(islice(text.read(name), n))
        assert [d for i, d in enumerate(documents) if i % 10 != 9] == train[: n and n * 9 // 10]
        assert documents[9::10] == val[: n and n // 10]


def test_read_opens_nothing_before_it_is_asked(tmp_path):
    documents = text.read(tmp_path / "missing.txt")
    with pytest.raises(FileNotFoundError, match="missing.txt"):
        next(documents)


def test_the_position_of_a_bad_byte_is_counted_from_the_files_beginning(write, monkeypatch):
    monkeypatch.setattr(text_files, "_PIECE", 4)
    with pytest.raises(ValueError, match="byte 0xe9 at position 13 .*iconv"):
        text.load(write(b"\xef\xbb\xbf1234567890\xe9 and more"))
    with pytest.raises(ValueError, match="byte 0xec at position 9 "):
        text.load(write(b"123456789\xec\x95"))


# --- pydocs -----------------------------------------------------------------------------------


def test_pydocs_is_technical_english():
    train, val = both("pydocs")
    assert not set(train) & set(val)
    assert 300_000 < sum(map(len, train + val)) < 1_000_000
    assert any("assert_stmt" in document for document in train + val)
    assert all(document == document.strip() != "" for document in train + val)


def test_pydocs_missing_from_python(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match="complete standard library"):
        text.load("pydocs")


# --- files ------------------------------------------------------------------------------------


def test_end_separates_documents_and_blank_lines_then_do_not(write):
    documents = [f"a{i}\n\nb{i}" for i in range(10)]
    train, val = both(write(END.join(documents) + END))
    assert train == documents[:9]
    assert val == documents[9:]


def test_blank_lines_may_hold_spaces_and_windows_line_ends(write):
    train, val = both(write("\ufeff" + "\r\n \t\r\n\r\n".join(["x\r\ny"] * 10)))
    assert train == ["x\ny"] * 9
    assert val == ["x\ny"]


def test_a_few_documents_are_cut_at_a_line_end(write):
    lines = [f"line {i:03}\n" for i in range(100)]
    train, val = both(write("".join(lines)))
    assert "".join(train + val) == "".join(lines).rstrip()
    assert train[-1].endswith("\n")
    assert 5 <= val[0].count("\n") + 1 <= 20


def test_one_long_line_is_cut_after_a_word(write):
    content = "word " * 1000 + "end"
    train, val = both(write(content))
    assert train[0] + val[0] == content
    assert train[0].endswith("word ")
    assert 0.05 < len(val[0]) / len(content) < 0.2


@pytest.mark.parametrize("content", ["ab", "a\n\nb", "가나", "a" * 1000, "x " * 3, "a\n\nb\n\ncde"])
def test_neither_split_is_empty_or_loses_text(write, content):
    train, val = both(write(content))
    assert train and val
    assert "".join(train + val).replace("\n", "").strip() == content.replace("\n", "").strip()


def test_neither_split_is_empty_whatever_the_white_space(write):
    chance = random.Random(0)
    contents = ["\tb  a", "\t\t\t\t\t\t\t\t\t\tbc", "a b" + "\u3000" * 9, "\ta\n\n\n  b"]
    lengths = (chance.randrange(24) for _ in range(2000))
    contents += ["".join(chance.choices("ab \t\n\r\u3000", k=length)) for length in lengths]
    for content in contents:
        letters = "".join(content.split())
        if len(letters) >= 2:
            train, val = both(write(content))
            assert train and val and all(d.strip() for d in train + val), repr(content)
            assert "".join("".join(train + val).split()) == letters


def test_the_cut_keeps_the_documents_before_and_after_it(write):
    documents = ["a" * 50, "b" * 100, "c" * 2, "d" * 2]
    train, val = both(write(END.join(documents)))
    assert train[0] == documents[0]
    assert val[1:] == documents[2:]
    assert train[1] + val[0] == documents[1]


@pytest.mark.parametrize("content", ["", " \n\n \n", "a", "\tb  ", "   b", END])
def test_an_empty_file_is_a_named_error(write, content):
    with pytest.raises(ValueError, match=r"book\.txt is empty, or too short"):
        text.load(write(content))


def test_a_file_that_is_not_utf8_names_the_byte(write):
    with pytest.raises(ValueError, match="byte 0xe9 at position 3 .*iconv"):
        text.load(write("café".encode("latin-1")))


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*missing\.txt"):
        text.load(tmp_path / "missing.txt")
    with pytest.raises(FileNotFoundError, match="no file shakespeare.txt"):
        text.load("shakespeare.txt")
    with pytest.raises(FileNotFoundError, match=r"folder without \.txt, \.jsonl or \.parquet"):
        text.load(tmp_path)
    with pytest.raises(TypeError, match="name=3 must be a source's name or the path"):
        text.load(3)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'wikipedia' is unknown.*smallworld.*pydocs.*fineweb"):
        text.load("wikipedia")


def test_no_name_is_not_the_folder_where_one_is(write, monkeypatch):
    monkeypatch.chdir(write("some text").parent)
    with pytest.raises(ValueError, match="name='' is unknown"):
        text.load("")
    assert list(text.read(".")) == ["some text"]


# --- FineWeb ----------------------------------------------------------------------------------


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """Two small files in FineWeb's form, where NBUTILS_FINEWEB says; returns the texts."""
    pytest.importorskip("datasets")
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    texts = [f"web page {i}" for i in range(40)]
    for shard in range(2):
        part = texts[20 * shard : 20 * shard + 20]
        table = pa.table({"text": part, "token_count": [3] * 20})
        pq.write_table(table, tmp_path / f"{shard:03}_00000.parquet")
    monkeypatch.setenv("NBUTILS_FINEWEB", str(tmp_path))
    return texts


def test_fineweb_streams_documents(shards):
    stream = text.load("fineweb")
    assert iter(stream) is stream
    assert [next(stream) for _ in range(12)] == shards[:9] + shards[10:13]
    assert list(text.load("fineweb", "val")) == shards[9::10]
    assert list(text.load("fineweb", n_documents=3)) == shards[:3]


def test_fineweb_rows_without_text(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    monkeypatch.setenv("NBUTILS_FINEWEB", str(tmp_path))
    pq.write_table(pa.table({"content": ["a"], "id": [1]}), tmp_path / "0.parquet")
    with pytest.raises(ValueError, match="NBUTILS_FINEWEB=.*column 'text'.*content, id"):
        text.load("fineweb")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "0.parquet")
    with pytest.raises(ValueError, match="NBUTILS_FINEWEB=.*empty"):
        text.load("fineweb")


def test_fineweb_without_rows(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.delenv("NBUTILS_FINEWEB", raising=False)
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: [])
    with pytest.raises(ValueError, match="FineWeb holds no rows"):
        text.load("fineweb")


def test_a_damaged_fineweb_file_is_not_blamed_on_the_network(shards, tmp_path):
    (tmp_path / "000_00000.parquet").write_bytes(b"PAR1 half a file")
    with pytest.raises(ValueError, match="NBUTILS_FINEWEB=.*damaged.*get that file again") as said:
        list(text.load("fineweb"))
    assert "network" not in str(said.value)


@pytest.mark.parametrize("folder", [None, ""])
def test_fineweb_reads_no_further_than_asked(monkeypatch, folder):
    datasets = pytest.importorskip("datasets")
    read = []

    def rows(*args, **kwargs):
        assert args == ("HuggingFaceFW/fineweb", "sample-10BT")
        assert re.fullmatch("[0-9a-f]{40}", kwargs.pop("revision"))
        assert kwargs == {"split": "train", "streaming": True}
        for i in range(1000):
            read.append(i)
            yield {"text": str(i)}

    if folder is None:
        monkeypatch.delenv("NBUTILS_FINEWEB", raising=False)
    else:
        monkeypatch.setenv("NBUTILS_FINEWEB", folder)
    monkeypatch.setattr(datasets, "load_dataset", rows)
    assert list(text.load("fineweb", n_documents=5)) == list("01234")
    assert len(read) == 5


def test_fineweb_without_datasets(monkeypatch):
    real = builtins.__import__

    def without_datasets(name, *args, **kwargs):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_datasets)
    with pytest.raises(ImportError, match=r'pip install "nbutils\[fineweb\]"'):
        text.load("fineweb")


def test_fineweb_without_a_network(monkeypatch):
    datasets = pytest.importorskip("datasets")

    def unreachable(*args, **kwargs):
        raise OSError("name resolution failed")

    monkeypatch.delenv("NBUTILS_FINEWEB", raising=False)
    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(ConnectionError, match="name resolution failed.*check the network.*pydocs"):
        text.load("fineweb")


def test_fineweb_when_the_network_goes_away(monkeypatch):
    datasets = pytest.importorskip("datasets")

    def rows(*args, **kwargs):
        yield {"text": "first"}
        raise OSError("connection reset")

    monkeypatch.delenv("NBUTILS_FINEWEB", raising=False)
    monkeypatch.setattr(datasets, "load_dataset", rows)
    stream = text.load("fineweb")
    assert next(stream) == "first"
    with pytest.raises(ConnectionError, match="connection reset"):
        next(stream)


def test_fineweb_folder_without_parquet_files(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setenv("NBUTILS_FINEWEB", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="NBUTILS_FINEWEB=.*parquet"):
        text.load("fineweb")
