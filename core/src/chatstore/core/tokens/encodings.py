"""tiktoken's encodings, loaded once a process, within a bounded time.

tiktoken fetches a vocabulary at its first use, without a timeout. So a daemon thread loads it,
and who needs it waits a little. What comes late is used from then on.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

PATIENCE = 3.0
"""Seconds to wait for a vocabulary, once a process and encoding."""

DEFAULT_ENCODING = "o200k_base"

_PIECE = 4096  # characters that tiktoken counts at a time


class TokenEstimateWarning(UserWarning):
    """Tokens are estimated, because tiktoken's vocabulary could not be had."""


class _Loading:
    """The loading of one encoding."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.encoding: Encoding | None = None
        self.waited = False
        self._thread = threading.Thread(target=self._load, name=f"tiktoken {name}", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join(PATIENCE)
        self.waited = True

    def _load(self) -> None:
        try:
            import tiktoken  # noqa: PLC0415 - it imports a network client

            self.encoding = tiktoken.get_encoding(self.name)
        except Exception:  # noqa: BLE001 - no network, no disk, no such file: all mean an estimate
            self.encoding = None


_loadings: dict[str, _Loading] = {}
_lock = threading.Lock()
_warned = False


def find_encoding(name: str) -> Encoding | None:
    """Return an encoding if it is there by now; nothing is waited for."""
    loading = _loadings.get(name)
    return None if loading is None else loading.encoding


def count_encoded(encoding: Encoding, text: str) -> int | None:
    """Return the tokens of a text; ``None`` if tiktoken fails."""
    try:
        return sum(len(encoding.encode(piece, disallowed_special=())) for piece in _pieces(text))
    except Exception:  # noqa: BLE001 - its regular expressions give up on some texts
        return None
    except BaseException as error:  # pyo3's PanicException is no Exception
        if type(error).__name__ != "PanicException":
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
    """Load an encoding, or wait `PATIENCE` seconds in vain and warn, once a process."""
    global _warned  # noqa: PLW0603 - one warning a process is the point
    with _lock:
        loading = _loadings.get(name)
        if loading is None:
            loading = _loadings[name] = _Loading(name)
        if loading.waited:
            return
        loading.wait()
        if loading.encoding is not None or _warned:
            return
        _warned = True
    message = (
        f"tiktoken's vocabulary {name} could not be loaded; tokens are estimated, "
        "rather too many than too few"
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
