"""tiktoken's own encodings by name: without a network, whatever the cache folders are like."""

import multiprocessing
import os
import pickle

import pytest
import tiktoken

from nbutils import tiktoken_tables, tokens


@pytest.fixture
def no_network(monkeypatch):
    """Forget what tiktoken has in memory, and refuse every download."""
    import requests

    def refuse(address, *args, **kwargs):
        raise requests.ConnectionError(f"refused: {address}")

    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("NBUTILS_CACHE", raising=False)
    return tmp_path


CL100K_FILE = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"  # the SHA-1 of the table's address


@pytest.mark.parametrize(
    "name, n_vocab", [("cl100k_base", 100_277), ("o200k_base", 200_019), ("o200k_harmony", 201_088)]
)
def test_loads_offline_and_leaves_the_environment_alone(no_network, home, name, n_vocab):
    before = dict(os.environ)
    assert tokens.get_encoding(name).n_vocab == n_vocab
    assert dict(os.environ) == before
    assert len(list((home / ".cache/nbutils/tiktoken").iterdir())) == 1


def test_published_ids():
    encoding = tokens.get_encoding("cl100k_base")
    assert encoding.encode("|Viewing Single Post") == [91, 860, 287, 11579, 3962]
    assert encoding.decode([11799]) == " Case"
    assert encoding.decode([19438]) == " Direction"


def test_a_users_cache_folder_is_used(no_network, home, monkeypatch):
    theirs = home / "theirs"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(theirs))
    tokens.get_encoding("cl100k_base")
    assert os.listdir(theirs) == [CL100K_FILE]
    assert not (home / ".cache").exists()
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(theirs)
    written = (theirs / CL100K_FILE).stat().st_mtime_ns
    tiktoken.registry.ENCODINGS.clear()
    tokens.get_encoding("cl100k_base")
    assert (theirs / CL100K_FILE).stat().st_mtime_ns == written


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_an_empty_variable_stays_empty(no_network, home, monkeypatch, variable):
    monkeypatch.setenv(variable, "")
    assert tokens.get_encoding("cl100k_base").n_vocab == 100_277
    assert os.environ[variable] == ""


def test_a_damaged_table_is_put_right(no_network, home):
    folder = home / ".cache/nbutils/tiktoken"
    folder.mkdir(parents=True)
    (folder / CL100K_FILE).write_bytes(b"half a tab")
    assert tokens.get_encoding("cl100k_base").n_vocab == 100_277


@pytest.mark.parametrize("variable", [None, "TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_a_folder_that_cannot_be_written_does_not_matter(no_network, home, monkeypatch, variable):
    (home / ".cache").write_text("a file where the folder should be", "utf-8")
    if variable:
        monkeypatch.setenv(variable, str(home / ".cache" / "theirs"))
    spare = home / "spare"
    spare.mkdir()
    monkeypatch.setattr(tiktoken_tables.tempfile, "tempdir", str(spare))
    before = dict(os.environ)
    assert tokens.get_encoding("cl100k_base").n_vocab == 100_277
    assert dict(os.environ) == before
    assert os.listdir(spare) == []


def test_an_account_without_a_home(no_network, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(tiktoken_tables.Path, "home", homeless)
    assert tokens.get_encoding("cl100k_base").n_vocab == 100_277


def test_a_wrong_packaged_table_does_not_pass(no_network, home, monkeypatch):
    """tiktoken itself checks the hash: a changed table is refused, not used."""
    monkeypatch.setattr(tiktoken_tables.gzip, "decompress", lambda packed: b"YQ== 0\n")
    with pytest.raises(OSError, match="refused"):
        tokens.get_encoding("cl100k_base")


def test_without_a_network_the_error_names_a_way_out(no_network, home):
    with pytest.raises(ConnectionError, match="'gpt2'.*These need no network: cl100k_base"):
        tokens.get_encoding("gpt2")


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(FileNotFoundError, match="'cl100k' is neither.*cl100k_base"):
        tokens.get_encoding("cl100k")
    with pytest.raises(TypeError, match="name=3"):
        tokens.get_encoding(3)


def _load_in(home):
    os.environ["HOME"] = os.environ["USERPROFILE"] = home
    return tokens.get_encoding("cl100k_base").n_vocab


def test_processes_may_load_at_the_same_time(home):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_load_in, [str(home)] * 3) == [100_277] * 3
    assert os.listdir(home / ".cache/nbutils/tiktoken") == [CL100K_FILE]


# --- what tiktoken can't do ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own():
    return tokens.train_bpe("hello", 300)


@pytest.mark.parametrize("white", [" ", "\t", "\r\n", "\u3000"])
def test_a_million_blanks_are_no_panic(own, white):
    text = "left" + white * (1_100_000 // len(white)) + "right"
    assert own.decode(tokens.encode_documents([text], own)[1:-1].tolist()) == text


def test_a_panic_names_the_document(own, monkeypatch, capfd):
    """It is no Exception, and a worker process can't even hand it on."""
    monkeypatch.setattr(tokens, "_has_long_run", lambda text: False)
    with pytest.raises(ValueError, match=r"documents\[1\] can't be encoded by 'bpe' .*StackOver"):
        tokens.encode_documents(["a", "b" + " " * 1_100_000 + "c"], own)


def test_a_long_run_is_found_wherever_it_begins(monkeypatch):
    monkeypatch.setattr(tokens, "_LONG_RUN", 20)
    for before in range(25):
        assert tokens._has_long_run("a" * before + " " * 20 + "b")
        assert not tokens._has_long_run("a" * before + " " * 9 + "b" + " " * 9)


# --- ids that stand for nothing ------------------------------------------------------------------


def test_ids_without_a_token_are_known_and_print_as_one_sign():
    encoding = tokens.get_encoding("cl100k_base")
    unused = [100_256, *range(100_261, 100_276)]
    assert tokens.unused_ids(encoding) == unused
    assert tokens.unused_ids(encoding, 100_352)[16:] == list(range(100_277, 100_352))
    assert tokens.decode([9906, *unused[:2], 1917], encoding) == "Hello\ufffd\ufffd world"
    assert tokens.decode([100_257, 10**6, -1], encoding) == tokens.END + "\ufffd\ufffd"
    assert tokens.unused_ids(tokens.get_encoding("o200k_base"))[0] == 199_998
    with pytest.raises(ValueError, match="vocab_size=0 must be at least 1"):
        tokens.unused_ids(encoding, 0)


def test_every_encoding_here_decodes_every_id(own, tmp_path):
    tokens.save(own, tmp_path / "own.json")
    read = tokens.get_encoding(tmp_path / "own.json")
    published = tokens.get_encoding("cl100k_base")
    for encoding, unused in ((own, 300), (read, 300), (published, 100_256), (published, 100_300)):
        again = pickle.loads(pickle.dumps(encoding))
        assert encoding.decode([72, unused, 73]) == again.decode([72, unused, 73])
        assert encoding.decode([72, unused, 73])[1] == tokens.NO_TOKEN
        with pytest.raises(KeyError):
            encoding.decode_single_token_bytes(unused)
    assert published.decode([91, 860, 287]) == "|Viewing"
    with pytest.raises(UnicodeDecodeError):
        own.decode([255], errors="strict")


def test_an_encoding_of_our_own_has_none(own):
    assert tokens.unused_ids(own) == []
