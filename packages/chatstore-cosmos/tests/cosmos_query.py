"""The part of Cosmos DB's SQL that the store uses.

``SELECT [TOP n] * | VALUE path | expression [AS name], …  FROM c [WHERE condition]
[ORDER BY path [ASC | DESC]]``, with parameters. Expressions are paths, and arrays and objects of
them. Conditions are comparisons, ``IN``, ``STARTSWITH``, ``IS_DEFINED``, ``AND``, ``OR``, ``NOT``.
Everything else is rejected.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from cosmos_documents import Document
from cosmos_rejections import RejectedError

T = TypeVar("T")
Value = Callable[[Document], Any]
UNDEFINED = object()
MAX_IN = 6000  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits

_TOKENS = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'[^'\\]*'|\"[^\"\\]*\")"
    r"|(?P<parameter>@\w+)|(?P<sign><=|>=|!=|<>|[=<>(),.*\[\]{}:]))"
)
_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


class Token(NamedTuple):
    """A part of a query, and where it begins in the text."""

    kind: str
    text: str
    start: int


class Field(NamedTuple):
    """A selected field: its name, its text in the query, and what computes it."""

    name: str
    text: str
    value: Value


class Order(NamedTuple):
    """The property that a query sorts by."""

    path: str
    is_descending: bool
    value: Value


class Query:
    """A parsed query.

    Attributes:
        ids: The only ids that can match, if the condition says so.
        top: The most items of the result; ``None``: all.
        fields: The selected fields; empty for ``*`` and ``VALUE``.
        condition: The text of the condition.
        paths: The properties in the condition.
        order: What the result is sorted by.

    """

    def __init__(self, text: str, parameters: Iterable[dict[str, Any]] = ()) -> None:
        self._parameters = {item["name"]: item["value"] for item in parameters}
        self._text = text.strip()
        self._tokens = _tokenize(self._text)
        self._index = 0
        self.ids: list[str] | None = None
        self.fields: list[Field] = []
        self.paths: set[str] = set()
        self.condition = "true"
        self.order: Order | None = None
        self._expect("SELECT")
        self.top: int | None = self._parse_operand()({}) if self._skip("TOP") else None
        self._shape = self._parse_shape()
        self._expect("FROM")
        self._alias = self._take("word")
        self._condition: Value = lambda document: True
        self.paths.clear()
        if self._skip("WHERE"):
            start = self._index
            self._condition = self._parse_or()
            self.condition = self._source(start)
        if self._skip("ORDER"):
            self.order = self._parse_order()
        if self._index < len(self._tokens):
            raise RejectedError(
                400, f"The double does not support what begins at {self._peek()[1]!r}."
            )

    def matches(self, document: Document) -> bool:
        """Return whether the condition is true, neither false nor undefined."""
        return self._condition(document) is True

    def shape(self, document: Document) -> Any:
        """Return the selected part of a document."""
        return self._shape(document)

    def sort(self, items: list[T], document_of: Callable[[T], Document]) -> list[T]:
        """Return items in the order of the result."""
        order = self.order
        if order is None:
            return items

        def sort_key(item: T) -> bytes:
            value = order.value(document_of(item))
            if not isinstance(value, str):
                raise RejectedError(400, "The double sorts only strings.")
            return value.encode()

        return sorted(items, key=sort_key, reverse=order.is_descending)

    # ------------------------------------------------------------------ parsing

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._index][:2] if self._index < len(self._tokens) else ("end", "")

    def _source(self, first: int) -> str:
        """Return the text from a token to the one before the next."""
        ends = [token.start for token in self._tokens[self._index : self._index + 1]]
        return self._text[self._tokens[first].start : ends[0] if ends else None].strip()

    def _skip(self, symbol: str) -> bool:
        is_next = self._peek()[1].upper() == symbol and self._peek()[0] != "text"
        self._index += is_next
        return is_next

    def _expect(self, symbol: str) -> None:
        if not self._skip(symbol):
            raise RejectedError(400, f"Syntax error, {symbol} expected near {self._peek()[1]!r}.")

    def _take(self, kind: str) -> str:
        next_kind, text = self._peek()
        if next_kind != kind:
            raise RejectedError(400, f"Syntax error, incorrect syntax near {text!r}.")
        self._index += 1
        return text

    def _parse_shape(self) -> Callable[[Document], Any]:
        if self._skip("*"):
            return lambda document: document
        if self._skip("VALUE"):
            _, value = self._parse_path()
            return value
        self.fields.append(self._parse_field())
        while self._skip(","):
            self.fields.append(self._parse_field())
        return lambda document: _defined({f.name: f.value(document) for f in self.fields})

    def _parse_field(self) -> Field:
        start = self._index
        name, value = self._parse_expression()
        text = self._source(start)
        if self._skip("AS"):
            name = self._take("word")
        if not name:
            raise RejectedError(400, "The double names only paths by themselves.")
        return Field(name, text, value)

    def _parse_expression(self) -> tuple[str, Value]:
        if self._skip("["):
            values = [self._parse_expression()[1]]
            while self._skip(","):
                values.append(self._parse_expression()[1])
            self._expect("]")
            return "", lambda d: [item for v in values if (item := v(d)) is not UNDEFINED]
        if self._skip("{"):
            members = [self._parse_member()]
            while self._skip(","):
                members.append(self._parse_member())
            self._expect("}")
            return "", lambda d: _defined({name: value(d) for name, value in members})
        return self._parse_path()

    def _parse_member(self) -> tuple[str, Value]:
        name = self._take("text")[1:-1]
        self._expect(":")
        return name, self._parse_expression()[1]

    def _parse_order(self) -> Order:
        self._expect("BY")
        in_condition, self.paths = self.paths, set()
        _, value = self._parse_path()
        [path], self.paths = self.paths, in_condition
        is_descending = self._skip("DESC")
        if not is_descending:
            self._skip("ASC")
        return Order(path, is_descending, value)

    def _parse_path(self) -> tuple[str, Value]:
        self._take("word")
        names = []
        while self._skip("."):
            names.append(self._take("word"))
        if not names:
            raise RejectedError(400, "The double supports only paths of properties.")
        self.paths.add("/" + "/".join(names))

        def value(document: Document) -> Any:
            result: Any = document
            for name in names:
                result = result.get(name, UNDEFINED) if isinstance(result, dict) else UNDEFINED
            return result

        return names[-1], value

    def _parse_or(self) -> Value:
        options = [self._parse_and()]
        while self._skip("OR"):
            self.ids = None
            options.append(self._parse_and())
            self.ids = None
        return options[0] if len(options) == 1 else lambda d: any(o(d) is True for o in options)

    def _parse_and(self) -> Value:
        parts = [self._parse_not()]
        while self._skip("AND"):
            parts.append(self._parse_not())
        return parts[0] if len(parts) == 1 else lambda d: all(p(d) is True for p in parts)

    def _parse_not(self) -> Value:
        if not self._skip("NOT"):
            return self._parse_term()
        before, inner = self.ids, self._parse_term()
        self.ids = before
        return lambda d: {True: False, False: True}.get(inner(d), UNDEFINED)

    def _parse_term(self) -> Value:
        if self._skip("("):
            before, inner = self.ids, self._parse_or()
            self.ids = self.ids or before
            self._expect(")")
            return inner
        word = self._peek()[1].upper()
        if word in {"STARTSWITH", "IS_DEFINED"}:
            return self._parse_function(word)
        is_id = [token.text for token in self._tokens[self._index + 1 : self._index + 3]] == [
            ".",
            "id",
        ]
        left = self._parse_operand()
        if word == "TRUE" and self._peek()[1] not in _COMPARE:
            return left
        if self._skip("IN"):
            return self._parse_in(left, is_id)
        sign = self._peek()[1]
        if sign not in _COMPARE:
            raise RejectedError(400, f"The double does not support a condition with {sign!r}.")
        self._index += 1
        right = self._parse_operand()
        if is_id and sign == "=":
            self.ids = [right({})]
        return lambda d: _compare(sign, left(d), right(d))

    def _parse_in(self, left: Value, is_id: bool) -> Value:
        self._expect("(")
        choices = [self._parse_operand()({})]
        while self._skip(","):
            choices.append(self._parse_operand()({}))
        self._expect(")")
        if len(choices) > MAX_IN:
            raise RejectedError(400, "The IN expression has too many arguments.")
        if is_id:
            self.ids = choices
        return lambda d: left(d) in choices

    def _parse_function(self, name: str) -> Value:
        self._index += 1
        self._expect("(")
        arguments = [self._parse_operand()]
        while self._skip(","):
            arguments.append(self._parse_operand())
        self._expect(")")
        if name == "IS_DEFINED":
            return lambda d: arguments[0](d) is not UNDEFINED
        return lambda d: _starts_with(arguments[0](d), arguments[1](d))

    def _parse_operand(self) -> Value:
        kind, text = self._peek()
        if kind == "parameter":
            if text not in self._parameters:
                raise RejectedError(400, f"The parameter {text} has no value.")
            return self._constant(self._parameters[text])
        if kind == "text":
            return self._constant(text[1:-1])
        if kind == "number":
            return self._constant(float(text) if "." in text else int(text))
        if text.upper() in _CONSTANTS:
            return self._constant(_CONSTANTS[text.upper()])
        return self._parse_path()[1]

    def _constant(self, value: Any) -> Value:
        self._index += 1
        return lambda document: value


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not UNDEFINED}


def _tokenize(text: str) -> list[Token]:
    tokens: list[Token] = []
    start = 0
    while start < len(text):
        match = _TOKENS.match(text, start)
        if match is None:
            raise RejectedError(
                400, f"The double cannot read the query at {text[start : start + 10]!r}."
            )
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind)))
        start = match.end()
    return tokens


def _compare(sign: str, left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if _kind(left) != _kind(right):
        return UNDEFINED if sign not in {"=", "!=", "<>"} else sign != "="
    return _COMPARE[sign](left, right)


def _kind(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def _starts_with(text: Any, prefix: Any) -> Any:
    if not isinstance(text, str) or not isinstance(prefix, str):
        return UNDEFINED
    return text.startswith(prefix)
