"""Vocabularies are found offline, are the published ones, and their absence is explained."""

import base64
import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from mba_integrations.core.counting import encodings
from mba_integrations.core.counting.encodings import PUBLISHED, PublishedEncoding, load_encoding
from mba_integrations.core.errors import InputError, TokenizerError

tiktoken = pytest.importorskip("tiktoken")

NAMES = ["o200k_base", "cl100k_base"]


def published_file(published: PublishedEncoding) -> bytes:
    """The published vocabulary from any offline source; skips where there is none."""
    sources = (
        encodings._from_tiktoken_cache,
        encodings._from_llama_index,
        encodings._from_toktok,
    )
    for source in sources:
        content = source(published)
        if content is not None:
            return content
    pytest.skip("no vocabulary is at hand offline: install toktok-rs or llama-index-core")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No cache, no installed source, nothing loaded, and a network that is down."""

    def no_network(*_: object, **__: object) -> bytes:
        raise ConnectionError("the network is down")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(encodings, "_loaded", {})
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    monkeypatch.setattr("tiktoken.load.read_file", no_network)
    monkeypatch.setattr(encodings, "_from_llama_index", lambda _: None)
    monkeypatch.setattr(encodings, "_from_toktok", lambda _: None)


def put_in_cache(content: bytes, published: PublishedEncoding) -> None:
    folder = Path(os.environ["TIKTOKEN_CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / published.file_name).write_bytes(content)


@pytest.mark.parametrize("name", NAMES)
def test_toktok_carries_the_published_vocabulary(name: str) -> None:
    pytest.importorskip("toktok")
    assert encodings._from_toktok(PUBLISHED[name]) is not None


@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_built_here_is_the_one_that_tiktoken_makes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = published_file(PUBLISHED[name])
    built = encodings._build(name, PUBLISHED[name], content)
    monkeypatch.setattr("tiktoken.load.read_file_cached", lambda *_: content)
    theirs = getattr(importlib.import_module("tiktoken_ext.openai_public"), name)()
    assert built._mergeable_ranks == theirs["mergeable_ranks"]
    assert PUBLISHED[name].pattern == theirs["pat_str"]


def test_tiktokens_cache_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = published_file(PUBLISHED["cl100k_base"])

    def must_not_be_asked(_: PublishedEncoding) -> bytes:
        raise AssertionError("asked although tiktoken's cache has the file")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(encodings, "_loaded", {})
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    monkeypatch.setattr(encodings, "_from_llama_index", must_not_be_asked)
    monkeypatch.setattr(encodings, "_from_toktok", must_not_be_asked)
    put_in_cache(content, PUBLISHED["cl100k_base"])
    encoding = load_encoding("cl100k_base")
    assert encoding is tiktoken.get_encoding("cl100k_base")


def test_an_installed_source_comes_before_the_network(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = b"".join(base64.b64encode(bytes([b])) + b" %d\n" % b for b in range(256))
    monkeypatch.setattr(encodings, "_from_toktok", lambda _: ranks)
    encoding = load_encoding("o200k_base")
    assert len(encoding.encode("abc")) == 3


def test_a_damaged_cache_file_is_passed_over(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = PUBLISHED["o200k_base"]
    put_in_cache(b"AA== 0\n", published)
    assert encodings._from_tiktoken_cache(published) is None


def test_an_empty_cache_variable_turns_the_cache_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert encodings._tiktoken_cache_folder() is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"TIKTOKEN_CACHE_DIR": "a", "DATA_GYM_CACHE_DIR": "b"}, "a", id="tiktoken"),
        pytest.param({"DATA_GYM_CACHE_DIR": "b"}, "b", id="older-name"),
    ],
)
def test_the_cache_is_where_tiktoken_has_it(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert encodings._tiktoken_cache_folder() == Path(expected)


def test_the_file_of_llama_index_is_found_without_importing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = published_file(PUBLISHED["cl100k_base"])
    folder = tmp_path / "llama_index" / "core" / "_static" / "tiktoken_cache"
    folder.mkdir(parents=True)
    (tmp_path / "llama_index" / "core" / "__init__.py").write_text("raise RuntimeError")
    (folder / PUBLISHED["cl100k_base"].file_name).write_bytes(content)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "llama_index")])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert encodings._from_llama_index(PUBLISHED["cl100k_base"]) == content


def test_without_llama_index_there_is_no_file_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert encodings._from_llama_index(PUBLISHED["cl100k_base"]) is None


def test_with_no_source_the_error_lists_every_way_out_and_keeps_the_cause(
    nothing_installed: None,
) -> None:
    with pytest.raises(TokenizerError) as caught:
        load_encoding("o200k_base")
    message = str(caught.value)
    for way in (
        "pip install 'mba-integrations[fast]'",
        "pip install llama-index-core",
        "TIKTOKEN_CACHE_DIR",
        PUBLISHED["o200k_base"].file_name,
        "token_counter=",
        "HeuristicCounter()",
        "download",
    ):
        assert way in message
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_download_that_hangs_is_given_up(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr("tiktoken.load.read_file", lambda *_: release.wait())
    monkeypatch.setattr(encodings, "DOWNLOAD_SECONDS", 0.05)
    with pytest.raises(TokenizerError, match="took too long") as caught:
        load_encoding("o200k_base")
    assert isinstance(caught.value.__cause__, TimeoutError)
    release.set()


def test_a_failed_search_is_tried_again(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TokenizerError):
        load_encoding("o200k_base")
    monkeypatch.setattr(encodings, "_from_llama_index", lambda _: b"YQ== 0\n")
    assert load_encoding("o200k_base").n_vocab == 1


def test_an_old_encoding_without_an_offline_source_gets_the_ways_that_apply(
    nothing_installed: None,
) -> None:
    with pytest.raises(TokenizerError, match="TIKTOKEN_CACHE_DIR") as caught:
        load_encoding("p50k_base")
    assert "llama-index" not in str(caught.value)


def test_an_encoding_that_nobody_knows_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match=r"o200k_base.*got 'klingon'"):
        load_encoding("klingon")


def test_many_threads_load_an_encoding_once(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[str] = []

    def find(name: str) -> object:
        searches.append(name)
        return object()

    monkeypatch.setattr(encodings, "_find_encoding", find)
    threads = [threading.Thread(target=load_encoding, args=("o200k_base",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert searches == ["o200k_base"]


MODULES = [
    "tiktoken_counters",
    "cached_counter",
    "given_counters",
    "heuristic_counter",
    "truncation",
    "encodings",
    "model_names",
]


def test_importing_and_making_counters_imports_no_tokenizer_library() -> None:
    program = "\n".join(
        [
            "import sys",
            *(f"import mba_integrations.core.counting.{module}" for module in MODULES),
            "from mba_integrations.core.counting.tiktoken_counters import counter_for_model",
            "counter_for_model('gpt-4o')",
            "heavy = {'tiktoken', 'toktok', 'tokenizers', 'transformers', 'requests'}",
            "print(sorted(heavy & set(sys.modules)))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
