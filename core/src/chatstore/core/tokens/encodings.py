"""tiktoken's encodings, loaded once per process, within a bounded time.

tiktoken downloads a vocabulary at its first use, without a timeout. Therefore a daemon thread loads
it, and the first caller waits at most `PATIENCE` seconds. A vocabulary that arrives later is used
from then on. If an installed package ships the vocabulary, nothing is downloaded.
"""

from __future__ import annotations

import os
import threading
import warnings
from typing import TYPE_CHECKING

from chatstore.core.backend.forks import ForkAware, watch
from chatstore.core.tokens.offline import forget_failure, has_failed_recently, note_failure
from chatstore.core.tokens.pieces import distinct_pieces
from chatstore.core.tokens.shipped import provide_vocabulary

if TYPE_CHECKING:
    from tiktoken import Encoding

PATIENCE = 3.0
"""Seconds to wait for a vocabulary, once per process and encoding."""

BRIEF_PATIENCE = 0.5
"""Seconds to wait if another process waited without success in the last hour.

This is enough to read a vocabulary from tiktoken's cache.
"""

DEFAULT_ENCODING = "o200k_base"


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
        patience = BRIEF_PATIENCE if has_failed_recently(self.name) else PATIENCE
        self._thread.join(patience)
        self.waited = True
        if self._thread.is_alive():
            note_failure(self.name)  # refused connections take no time, so only waits count

    def _load(self) -> None:
        try:
            import tiktoken  # it imports a network client

            provide_vocabulary(self.name)
            self.encoding = tiktoken.get_encoding(self.name)
        except Exception:  # noqa: BLE001 - without network, disk or file: estimate
            self.encoding = None
        else:
            forget_failure(self.name)


_loadings: dict[str, _Loading] = {}


class _ProcessState(ForkAware):
    """State of the process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.has_warned = False

    def after_fork_in_child(self) -> None:
        """Restart unfinished loading, whose thread exists only in the parent."""
        self.lock = threading.Lock()
        for name in [name for name, loading in _loadings.items() if loading.encoding is None]:
            del _loadings[name]


_state = _ProcessState()
watch(_state)


def find_encoding(name: str) -> Encoding | None:
    """Return an encoding if it is loaded; never wait."""
    loading = _loadings.get(name)
    return None if loading is None else loading.encoding


def count_encoded(encoding: Encoding, text: str) -> int | None:
    """Return the tokens of a text; ``None`` if tiktoken fails."""
    try:
        return sum(
            len(encoding.encode(piece, disallowed_special=())) * times
            for piece, times in distinct_pieces(text)
        )
    except Exception:  # noqa: BLE001 - its regular expressions give up on some texts
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, of older versions of tiktoken
            raise
        return None


def is_settled(name: str) -> bool:
    """Return whether `load_encoding` would return at once."""
    loading = _loadings.get(name)
    return loading is not None and loading.waited


def load_encoding(name: str) -> None:
    """Load an encoding; wait at most `PATIENCE` seconds for it, once per process.

    Warns:
        TokenEstimateWarning: The encoding is not loaded by then; once per process.

    """
    with _state.lock:
        loading = _loadings.get(name)
        if loading is None:
            loading = _loadings[name] = _Loading(name)
        if loading.waited:
            return
        loading.wait()
        if loading.encoding is not None or _state.has_warned:
            return
        _state.has_warned = True
    message = (
        f"tiktoken's vocabulary {name} could not be loaded: tokens are estimated, more likely too "
        "high than too low. Without network access, set TIKTOKEN_CACHE_DIR "
        f"({_cache_dir()}) to a directory that holds the vocabulary: tiktoken puts it there when "
        "it is used once with network access. Or install chatstore-core[vocabulary], or pass "
        "your own tokenizer_fn."
    )
    warnings.warn(message, TokenEstimateWarning, stacklevel=2)


def encoding_name(model: str | None) -> str:
    """Return the name of a model's encoding; the default one for an unknown model."""
    if model is None:
        return DEFAULT_ENCODING
    import tiktoken  # see above

    try:
        return tiktoken.encoding_name_for_model(model)
    except KeyError:
        return DEFAULT_ENCODING


def _cache_dir() -> str:
    directory = os.environ.get("TIKTOKEN_CACHE_DIR")
    return "not set" if directory is None else f"now {directory!r}"
