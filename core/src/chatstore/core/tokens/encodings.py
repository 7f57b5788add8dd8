"""tiktoken's encodings, loaded once a process, within a bounded time.

tiktoken fetches a vocabulary at its first use, without a timeout. So a daemon thread loads it,
and the first who needs it waits a little. A vocabulary that comes later is used from then on.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatstore.core.backend import ForkAware, watch
from chatstore.core.tokens.offline import forget_failure, has_failed_lately, note_failure

if TYPE_CHECKING:
    from tiktoken import Encoding

PATIENCE = 3.0
"""Seconds to wait for a vocabulary, once a process and encoding."""

BRIEF_PATIENCE = 0.5
"""Seconds to wait where another process waited in vain within the last hour.

It is enough to read a vocabulary from tiktoken's cache.
"""

DEFAULT_ENCODING = "o200k_base"

_PIECE = 2048  # characters that tiktoken counts at a time


class TokenEstimateWarning(UserWarning):
    """Tokens are estimated, because tiktoken's vocabulary could not be loaded."""


class _Loading:
    """The loading of one encoding."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.encoding: Encoding | None = None
        self.waited = False
        self._thread = threading.Thread(target=self._load, name=f"tiktoken {name}", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        patience = BRIEF_PATIENCE if has_failed_lately(self.name) else PATIENCE
        self._thread.join(patience)
        self.waited = True
        if self._thread.is_alive():
            note_failure(self.name)  # refused connections cost no time: nothing to remember

    def _load(self) -> None:
        try:
            import tiktoken  # noqa: PLC0415 - it imports a network client

            self.encoding = tiktoken.get_encoding(self.name)
        except Exception:  # noqa: BLE001 - without network, disk or file: estimate
            self.encoding = None
        else:
            forget_failure(self.name)


_loadings: dict[str, _Loading] = {}


class _Once(ForkAware):
    """What is done once a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.has_warned = False

    def after_fork_in_child(self) -> None:
        """Load again what was still being loaded: that thread exists in the parent only."""
        self.lock = threading.Lock()
        for name in [name for name, loading in _loadings.items() if loading.encoding is None]:
            del _loadings[name]


_once = _Once()
watch(_once)


def find_encoding(name: str) -> Encoding | None:
    """Return an encoding if it is loaded by now; this never waits."""
    loading = _loadings.get(name)
    return None if loading is None else loading.encoding


def count_encoded(encoding: Encoding, text: str) -> int | None:
    """Return the tokens of a text; ``None`` if tiktoken fails."""
    try:
        return sum(len(encoding.encode(piece, disallowed_special=())) for piece in _pieces(text))
    except Exception:  # noqa: BLE001 - its regular expressions give up on some texts
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, of older versions of tiktoken
            raise
        return None


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces, cut before a space where there is one: no token spans that.

    tiktoken's regular expressions fail on long runs of blanks, and its time for a run of letters
    can grow with the square of the length.
    """
    start = 0
    while len(text) - start > _PIECE:
        cut = text.rfind(" ", start + _PIECE // 2, start + _PIECE)
        end = start + _PIECE if cut < 0 else cut
        yield text[start:end]
        start = end
    yield text[start:]


def is_settled(name: str) -> bool:
    """Tell whether `load_encoding` would return at once."""
    loading = _loadings.get(name)
    return loading is not None and loading.waited


def load_encoding(name: str) -> None:
    """Load an encoding; wait at most `PATIENCE` seconds for it, once a process.

    Warns:
        TokenEstimateWarning: It is not loaded by then; once a process.

    """
    with _once.lock:
        loading = _loadings.get(name)
        if loading is None:
            loading = _loadings[name] = _Loading(name)
        if loading.waited:
            return
        loading.wait()
        if loading.encoding is not None or _once.has_warned:
            return
        _once.has_warned = True
    message = (
        f"tiktoken's vocabulary {name} could not be loaded: tokens are estimated, rather too many "
        "than too few. Without network access, set TIKTOKEN_CACHE_DIR "
        f"({_cache_dir()}) to a directory that holds the vocabulary: tiktoken puts it there when "
        "it is used once with network access. Or pass your own tokenizer_fn."
    )
    warnings.warn(message, TokenEstimateWarning, stacklevel=2)


def encoding_name(model: str | None) -> str:
    """Return the name of a model's encoding; the default one for a model that is unknown."""
    if model is None:
        return DEFAULT_ENCODING
    import tiktoken  # noqa: PLC0415 - see above

    try:
        return tiktoken.encoding_name_for_model(model)
    except KeyError:
        return DEFAULT_ENCODING


def _cache_dir() -> str:
    directory = os.environ.get("TIKTOKEN_CACHE_DIR")
    return "not set" if directory is None else f"now {directory!r}"
