"""Vocabularies that installed packages ship, in the form of tiktoken's cache.

LlamaIndex's core and LiteLLM ship those of ``cl100k_base`` and ``o200k_base``. tiktoken checks the
digests of what it reads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_SHIPPED = (
    ("llama_index", "core/_static/tiktoken_cache"),
    ("litellm", "litellm_core_utils/tokenizers"),
)


def shipped_file(name: str) -> Path | None:
    """Return the vocabulary of an encoding in an installed package, which is not imported."""
    for package, directory in _SHIPPED:
        spec = find_spec(package)
        for location in (spec.submodule_search_locations if spec else None) or ():
            path = Path(location, directory, _file_name(name))
            if path.is_file():
                return path
    return None


def provide_vocabulary(name: str) -> None:
    """Copy a vocabulary that a package ships to where tiktoken keeps what it downloads.

    Nothing is done if the user set a directory, or if tiktoken has the vocabulary.
    """
    if any(variable in os.environ for variable in _VARIABLES):
        return
    cache = Path(tempfile.gettempdir(), "data-gym-cache")
    target = cache / _file_name(name)
    if target.exists():
        return
    shipped = shipped_file(name)
    if shipped is None:
        return
    with suppress(OSError):  # then tiktoken downloads it
        cache.mkdir(exist_ok=True)
        partial = cache / f"{target.name}.{uuid.uuid4()}.tmp"
        shutil.copyfile(shipped, partial)
        partial.replace(target)


def _file_name(name: str) -> str:
    """Return the name of a file in tiktoken's cache: a digest of the address."""
    return hashlib.sha1(_ADDRESS.format(name).encode(), usedforsecurity=False).hexdigest()
