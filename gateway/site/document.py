"""One YAML file as plain data, with the line of every value in it.

Only the core of YAML 1.2 is understood: text, true and false, decimal and 0x numbers, null, lists, maps, anchors
and `<<`. So `no` and `12:30` are text and `0101` is not octal, which is what people mean in a site file. Size,
depth and what aliases unfold to are bounded; a key that stands twice in one map is an error.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import JsonValue

from gateway.site.findings import Finding, Keys

MAX_BYTES: Final = 4_000_000
MAX_VALUES: Final = 200_000
MAX_DEPTH: Final = 30
LINE_MAX: Final = 10_000

_MERGE: Final = "merge"
_PLAIN: Final = "plain"
_TEXT: Final = "tag:yaml.org,2002:str"
_COLLECTIONS: Final = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18}|0x[0-9A-Fa-f]{1,16})")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says.

    Attributes:
        data: None for an empty or unreadable file.
        lines: line of every value, from 1.
        findings: what kept parts of it from being read.
    """

    file: Path
    data: JsonValue = None
    lines: Mapping[Keys, int] = field(default_factory=dict[Keys, int])
    findings: tuple[Finding, ...] = ()

    def finding(self, keys: Keys, message: str, mend: str) -> Finding:
        """Return a finding about a value of this file, or about the nearest map that would hold it."""
        return Finding(self.file, self.line(keys), self.path(keys), message, mend)

    def line(self, keys: Keys) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def path(self, keys: Keys) -> str:
        """Return the way to a value in readable form; elements of lists go by their id if they have one."""
        text, value = "", self.data
        for key in keys:
            if isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
                name = value.get("id") if isinstance(value, dict) else None
                text += f"[{name if isinstance(name, str) else key}]"
            else:
                value = value.get(str(key)) if isinstance(value, dict) else None
                text += f".{key}" if text else str(key)
        return text


def read_document(file: Path) -> Document:
    """Read one YAML file. What is wrong with it stands in `findings`; nothing is raised."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unreadable(
            file, 1, f"cannot be read: {error.strerror}", "correct the path or its permissions"
        )
    if len(raw) > MAX_BYTES:
        return _unreadable(file, 1, f"is larger than {MAX_BYTES:,} bytes", "divide it into several files")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unreadable(file, line, "is not UTF-8 text", "save it as UTF-8")
    return parse_document(file, text)


def parse_document(file: Path, text: str) -> Document:
    """Read the text of one YAML file; `file` is its name in findings."""
    try:
        root = _root(text)
        if root is None:
            return Document(file)
        tree = _Tree(file)
        data = tree.value(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return _unreadable(file, line, f"cannot be read as YAML: {_problem(error, line)}", _mend(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        return _unreadable(file, line, f"holds U+{error.character:04X}, which is no text", "take it out")
    return Document(file, data, tree.lines, tuple(tree.findings))


def _root(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):  # PyYAML asks Python for whatever `\\U…` and `%YAML …` name
        raise _broken("there is no such character or version", loader.get_mark()) from None


def _problem(error: yaml.MarkedYAMLError, line: int) -> str:
    """Return what is wrong, and where that began which could not be read to its end."""
    context, begin = str(error.context), error.context_mark.line + 1 if error.context_mark else line
    match error.problem:
        case "second occurrence":
            return f"{context.partition(';')[0]}, first in line {begin}"
        case "but found another document":
            return "a second document begins here"
        case problem:
            return str(problem) if begin == line else f"{problem} {context} that begins in line {begin}"


def _mend(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if error.note is not None:
        return error.note
    if error.context == "while scanning an alias" or problem.startswith("found undefined alias"):
        return 'put a pattern that begins with `*` into quotes, e.g. "*-OUT"; an alias needs its `&` above it'
    if problem.startswith("found character '\\t'"):
        return "write spaces instead of the tab"
    return "correct this line or the one above it"


def _unreadable(file: Path, line: int, message: str, mend: str) -> Document:
    return Document(file, findings=(Finding(file, line, "", message, mend),))


class _Loader(yaml.SafeLoader):
    """Composes nodes down to a depth, and leaves it to `_scalar` what an unquoted scalar is."""

    yaml_implicit_resolvers = {"<": [(_MERGE, re.compile("<<$"))], None: [(_PLAIN, re.compile(""))]}  # noqa: RUF012
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _broken(f"it nests deeper than {MAX_DEPTH} levels", self.get_mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def write_yaml(data: Mapping[str, Any]) -> str:
    """Return data as YAML that `parse_document` reads as the same."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def write_yaml_line(data: Mapping[str, Any]) -> str:
    """Return data as one line of YAML, `{…}`."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=LINE_MAX
    )
    return text.strip()


class _Dumper(yaml.SafeDumper):
    """Quotes whatever this module's reader would not take for text, which is more than YAML 1.1 asks for."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = None if _unquoted(text) == text else "'"
        return self.represent_scalar(_TEXT, text, style)  # pyright: ignore[reportUnknownMemberType]


_Dumper.add_representer(str, _Dumper.represent_text)  # pyright: ignore[reportUnknownMemberType]


class _Tree:
    """Turns nodes into data and remembers their lines."""

    def __init__(self, file: Path) -> None:
        self.lines: dict[Keys, int] = {}
        self.findings: list[Finding] = []
        self._file = file
        self._values = 0
        self._open: list[yaml.Node] = []

    def value(self, node: yaml.Node, keys: Keys) -> JsonValue:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        with self._within(node):
            match node:
                case yaml.MappingNode():
                    return self._map(node, keys)
                case yaml.SequenceNode():
                    return [self.value(item, (*keys, index)) for index, item in enumerate(node.value)]
                case _:
                    return _scalar(node)

    def _map(self, node: yaml.MappingNode, keys: Keys) -> dict[str, JsonValue]:
        data: dict[str, JsonValue] = {}
        for key, value in _pairs(node):
            name = str(key.value)
            if name in data:
                message = f"`{name}` stands twice in one map, first in line {self.lines[*keys, name]}"
                line = key.start_mark.line + 1
                self.findings.append(Finding(self._file, line, name, message, "keep one of the two"))
            else:
                data[name] = self._entry(key, value, (*keys, name))
        for key, value in self._inherited(node):
            name = str(key.value)
            if name not in data:
                data[name] = self._entry(key, value, (*keys, name))
        return data

    def _entry(self, key: yaml.Node, value: yaml.Node, keys: Keys) -> JsonValue:
        self.lines[keys] = key.start_mark.line + 1
        return self.value(value, keys)

    def _inherited(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Return what `<<` brings in, the nearest first."""
        merged = [value for key, value in node.value if key.tag == _MERGE]
        for sources in merged:
            for source in sources.value if isinstance(sources, yaml.SequenceNode) else [sources]:
                if not isinstance(source, yaml.MappingNode):
                    raise _broken("`<<` takes a map or a list of maps", source.start_mark)
                with self._within(source):
                    yield from _pairs(source)
                    yield from self._inherited(source)

    @contextmanager
    def _within(self, node: yaml.Node) -> Generator[None]:
        """Keep account of the nodes around the current one, and refuse what would never end."""
        self._values += 1
        if self._values > MAX_VALUES:
            message = f"it unfolds to more than {MAX_VALUES:,} values"
            raise _broken(message, node.start_mark, "divide it into several files")
        if any(node is around for around in self._open):
            raise _broken("an alias stands inside what it names", node.start_mark)
        if len(self._open) > MAX_DEPTH:
            raise _broken(f"it nests deeper than {MAX_DEPTH} levels", node.start_mark)
        if node.tag not in _COLLECTIONS and not isinstance(node, yaml.ScalarNode):
            raise _broken(f"the tag {node.tag} is not understood", node.start_mark)
        self._open.append(node)
        yield
        self._open.pop()


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _broken("the name before a colon must be text", key.start_mark)
        if key.tag != _MERGE:
            yield key, value


def _scalar(node: yaml.Node) -> JsonValue:
    text = str(node.value)
    if node.tag == _TEXT:
        return text
    if node.tag not in {_PLAIN, _MERGE}:
        raise _broken(f"the tag {node.tag} is not understood", node.start_mark)
    return _unquoted(text)


def _unquoted(text: str) -> JsonValue:
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text, 16 if "x" in text else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _broken(problem: str, mark: yaml.Mark, mend: str | None = None) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark, note=mend)
