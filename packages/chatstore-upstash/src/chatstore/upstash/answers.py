"""Answers of Upstash's REST API: results, errors, and what something else answered."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from pydantic_core import from_json

from chatstore.upstash.errors import CommandError, ForeignAnswerError


def read_answer(content: bytes) -> Any:
    """Return the result of a command.

    Raises:
        CommandError: The command failed.
        ForeignAnswerError: ``content`` is not an answer of Upstash.
        UnicodeDecodeError: The result is not text.

    """
    result = _result_of(_parse(content))
    if isinstance(result, CommandError):
        raise result
    return result


def read_answers(content: bytes, count: int) -> list[Any]:
    """Return the results of a pipeline; a `CommandError` or `UnicodeDecodeError` for a failed one.

    Args:
        content: The answer.
        count: The number of commands.

    Raises:
        CommandError: The pipeline was refused as a whole.
        ForeignAnswerError: ``content`` is not an answer of Upstash to ``count`` commands.

    """
    answers = _parse(content)
    if isinstance(answers, dict):
        refusal = _result_of(answers)
        raise refusal if isinstance(refusal, CommandError) else ForeignAnswerError
    if not isinstance(answers, list) or len(answers) != count:
        raise ForeignAnswerError
    return list(map(_result_or_damage, answers))


def _parse(content: bytes) -> Any:
    try:
        return from_json(content, cache_strings="keys")
    except ValueError as error:
        raise ForeignAnswerError from error


def _result_or_damage(answer: Any) -> Any:
    try:
        return _result_of(answer)
    except UnicodeDecodeError as error:
        return error


def _result_of(answer: Any) -> Any:
    if not isinstance(answer, dict):
        raise ForeignAnswerError
    error = answer.get("error")
    if error:
        return CommandError(str(error))
    if "result" not in answer:
        raise ForeignAnswerError
    return _decode(answer["result"])


def _decode(value: Any) -> Any:
    """Return a value whose strings are encoded in base64, except for ``OK``."""
    if isinstance(value, str):
        return value if value == "OK" else _text(value)
    if isinstance(value, list):
        return list(map(_decode, value))
    if value is None or type(value) is int:
        return value
    raise ForeignAnswerError


def _text(encoded: str) -> str:
    try:
        content = b64decode(encoded)
    except ValueError as error:
        raise ForeignAnswerError from error
    return content.decode()


def results_of(answers: list[Any]) -> list[Any]:
    """Return the results of a pipeline.

    Raises:
        Exception: The error of the first command that failed.

    """
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
