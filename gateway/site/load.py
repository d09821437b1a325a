"""Reads a site: files become documents, documents typed elements, elements one cross-checked site.

An element that does not fit its type is left out and reported. Cross-checks still run over the others, except those
that would blame an element for what was left out; who names one that was left out names something that is there. So one
reading tells nearly everything that is wrong.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.contract.misfits import in_plain_words
from gateway.contract.transports import Identifier
from gateway.contract.wiring import WiringModel
from gateway.site.checks import Unread, cross_check
from gateway.site.document import Document, read_document
from gateway.site.findings import Finding, Flaw, Keys, SiteInvalid, without_credentials
from gateway.site.model import Profile, Site
from gateway.site.people import PeopleRules
from gateway.site.wes import Wes

BUNDLED_PROFILES: Final = Path(__file__).resolve().parents[2] / "config" / "profiles"

_MAPS: Final[dict[str, TypeAdapter[Any]]] = {
    "people": TypeAdapter(PeopleRules),
    "wes": TypeAdapter(Wes),
}
"""Sections that stand once, as a map; all others are lists."""
_ELEMENTS: Final[dict[str, TypeAdapter[Any]]] = {
    section: TypeAdapter(get_args(info.annotation)[0])
    for section, info in Site.model_fields.items()
    if section not in {"id", "root", *_MAPS}
} | _MAPS
UNNAMED_PARTS: Final = frozenset({"racks"})
"""Sections whose elements hold others that are named elsewhere, and not one by one here."""
MISSPELT: Final = 0.75
"""How alike a key must be to one that is known (0 … 1) to be taken for a slip of it."""
_SITE_ID: Final[TypeAdapter[str]] = TypeAdapter(Identifier)


def load_site(path: Path) -> Site:
    """Read and cross-check a site.

    Args:
        path: a folder, all `*.yaml` directly in which are read in the order of their names, or one file. Profiles
            come from the folder `profiles` in it, then from the one beside it, then from those that the gateway
            brings along; the first of an id counts.

    Raises:
        SiteInvalid: with everything that is wrong.
    """
    draft = _Draft()
    for file in _site_files(path):
        _read_site_file(draft, read_document(file))
    for folder in _profile_folders(path):
        _read_profiles(draft, [read_document(file) for file in _yaml_files(folder)])
    for folder in (path, *_profile_folders(path)):
        draft.findings += _passed_over(folder)
    site = draft.site(path)
    flaws = cross_check(site, Unread(draft.incomplete, draft.nameless, draft.left_out))
    if findings := [*draft.findings, *map(draft.locate, flaws)]:
        raise SiteInvalid(findings)
    return site


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an element of the site stands."""

    document: Document
    keys: Keys


@dataclass(slots=True)
class _Draft:
    """What has been read so far.

    Attributes:
        origins: of every element, section by section, in the order of `elements`.
        incomplete: sections of which something could not be read.
        nameless: those of them of which nobody knows what could not be read.
        left_out: ids of elements that could not be read.
    """

    ids: list[str] = field(default_factory=list[str])
    elements: dict[str, list[WiringModel]] = field(default_factory=lambda: {name: [] for name in _ELEMENTS})
    origins: dict[str, list[_Origin]] = field(default_factory=lambda: {name: [] for name in _ELEMENTS})
    findings: list[Finding] = field(default_factory=list[Finding])
    incomplete: set[str] = field(default_factory=set[str])
    nameless: set[str] = field(default_factory=set[str])
    left_out: set[str] = field(default_factory=set[str])

    def site(self, path: Path) -> Site:
        if not self.ids and self.incomplete != _ELEMENTS.keys():
            file = path / "site.yaml" if path.is_dir() else path
            self.findings.append(
                Finding(file, 1, "id", "the site has no id", "add `id: …` at the top of a file")
            )
        root = (path if path.is_dir() else path.parent).resolve()
        elements = {section: tuple(elements) for section, elements in self.elements.items()}
        elements["links"] = tuple(_anchored(link, root) for link in elements["links"])
        elements["wes"] = tuple(_anchored(wes, root) for wes in elements["wes"])
        maps = {section: read[0] for section in _MAPS if (read := elements.pop(section))}
        return Site.model_validate(
            {"id": self.ids[0] if self.ids else "site", "root": root, **elements, **maps}
        )

    def miss(self, sections: Iterable[str]) -> None:
        """Note sections of which nobody knows what they lack."""
        self.incomplete.update(sections)
        self.nameless.update(sections)

    def locate(self, flaw: Flaw) -> Finding:
        message = flaw.message
        if flaw.other:
            other, keys = self._origin(flaw.other)
            message += f" (the other one: {other.file}:{other.line(keys)})"
        document, keys = self._origin(flaw.keys)
        return document.finding(keys, message, flaw.mend)

    def _origin(self, keys: Keys) -> tuple[Document, Keys]:
        section, index, *rest = keys
        origin = self.origins[str(section)][int(index)]
        return origin.document, (*origin.keys, *rest)


def _anchored(model: WiringModel, root: Path) -> WiringModel:
    """Let relative paths of certificates, keys and passwords count from the site's folder."""
    update: dict[str, object] = {}
    for name, value in model:
        match value:
            case Path():
                update[name] = root / value
            case WiringModel():
                update[name] = _anchored(value, root)
            case _:
                pass
    return model.model_copy(update=update)


def _site_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = _yaml_files(path)
    if not files:
        nothing = Finding(path, 1, "", "the folder holds no *.yaml file", "name the folder of site.yaml")
        raise SiteInvalid([nothing, *_passed_over(path)])
    return files


def _yaml_files(folder: Path) -> list[Path]:
    """Return the files to read; hidden ones are what editors and file managers leave behind."""
    return sorted(file for file in folder.glob("*.yaml") if not file.name.startswith("."))


def _passed_over(folder: Path) -> Iterator[Finding]:
    """Return the files of a folder that somebody takes for a part of the site, and that are none."""
    for file in folder.glob("*.yml"):
        if not file.name.startswith("."):
            mend = f"call it {file.stem}.yaml, or put it elsewhere if it is no part of the site"
            yield Finding(file, 1, "", "is not read, for its name ends with .yml", mend)


def _profile_folders(path: Path) -> list[Path]:
    root = (path if path.is_dir() else path.parent).resolve()
    here = Path.cwd()
    return [
        folder.relative_to(here) if folder.is_relative_to(here) else folder
        for folder in dict.fromkeys([root / "profiles", root.parent / "profiles", BUNDLED_PROFILES])
    ]


def _read_site_file(draft: _Draft, document: Document) -> None:
    if document.findings:
        draft.findings += document.findings
        draft.miss(_ELEMENTS)
    data: JsonValue = {} if document.data is None else document.data
    if not isinstance(data, dict):
        message = "the file must be a map of sections"
        draft.miss(_ELEMENTS)
        draft.findings.append(
            document.finding((), message, f"begin with `id:` or one of {', '.join(_ELEMENTS)}")
        )
        return
    for key, value in data.items():
        if key == "id":
            _read_id(draft, document, value)
        elif key not in _ELEMENTS:
            message, mend = _unknown_key(key, _ELEMENTS)
            draft.miss(_ELEMENTS)
            draft.findings.append(document.finding((key,), message, mend))
        elif key in _MAPS:
            _read_map(draft, document, key, value)
        elif not isinstance(value, list | None):
            draft.miss([key])
            draft.findings.append(
                document.finding((key,), f"`{key}` must be a list", "begin each element with `- `")
            )
        else:
            for index, raw in enumerate(value or ()):
                _read_element(draft, key, _Origin(document, (key, index)), raw)


def _read_id(draft: _Draft, document: Document, value: JsonValue) -> None:
    try:
        draft.ids.append(_SITE_ID.validate_python(value))
    except ValidationError as error:
        draft.ids.append("site")
        draft.findings += _misfits(_Origin(document, ("id",)), value, error)
    if len(draft.ids) == 2:
        message = f"the site has a second id, `{draft.ids[1]}` beside `{draft.ids[0]}`"
        draft.findings.append(document.finding(("id",), message, "keep `id` in one of the files"))


def _read_map(draft: _Draft, document: Document, section: str, value: JsonValue) -> None:
    """Read a section that stands once; `off`, `no` and `false` are the same as none."""
    if value is None or value is False or value in ("off", "no"):
        return
    if draft.origins[section]:
        other = draft.origins[section][0].document
        message = f"the site has a second `{section}` (the other one: {other.file}:{other.line((section,))})"
        draft.findings.append(document.finding((section,), message, "keep one of the two"))
        return
    _read_element(draft, section, _Origin(document, (section,)), value)


def _read_profiles(draft: _Draft, documents: Sequence[Document]) -> None:
    """Read the profiles of one folder, except those that a nearer folder has too."""
    nearer = {profile.id for profile in draft.elements["profiles"] if isinstance(profile, Profile)}
    for document in documents:
        if document.findings:
            draft.findings += document.findings
            draft.miss(["profiles"])
        elif _id_of(document.data) not in nearer:
            _read_element(draft, "profiles", _Origin(document, ()), document.data)


def _read_element(draft: _Draft, section: str, origin: _Origin, raw: JsonValue) -> None:
    try:
        element: WiringModel = _ELEMENTS[section].validate_python(raw)
    except ValidationError as error:
        name = _id_of(raw)
        if name is not None and section not in UNNAMED_PARTS:
            draft.incomplete.add(section)
            draft.left_out.add(name)
        else:
            draft.miss([section])
        draft.findings += _misfits(origin, raw, error)
    else:
        draft.elements[section].append(element)
        draft.origins[section].append(origin)


def _id_of(raw: JsonValue) -> str | None:
    name = raw.get("id") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


# ── what does not fit its type ────────────────────────────────────────────────────────────────────────


def _misfits(origin: _Origin, raw: JsonValue, error: ValidationError) -> Iterator[Finding]:
    """Return one finding for each place; a place that fits none of several types is told once, with all mends."""
    places: dict[Keys, tuple[str, list[str]]] = {}
    for reason in error.errors(include_url=False):
        if reason["type"] == "too_short" and len(reason["input"]) >= reason.get("ctx", {})["min_length"]:
            continue  # only its parts that fit are counted; those that do not are told by themselves
        keys = _place(raw, reason)
        message, mend = _misfit(keys, reason)
        places.setdefault(keys, (message, []))[1].append(mend)
    for keys, (message, mends) in places.items():
        yield origin.document.finding((*origin.keys, *keys), message, " or ".join(mends))


def _place(raw: JsonValue, reason: ErrorDetails) -> Keys:
    """Return the way to the value in the file: without the names of union members that pydantic puts in between."""
    missing = tuple(key for key in reason["loc"][-1:] if reason["type"] == "missing" and isinstance(key, str))
    kind = ("kind",) if reason["type"] == "union_tag_invalid" else ()
    return (*_existing(raw, reason["loc"]), *missing, *kind)


def _existing(raw: JsonValue, loc: Keys) -> Iterator[str | int]:
    if not loc:
        return
    key, *rest = loc
    match raw, key:
        case dict(), str() if key in raw:
            yield key
            yield from _existing(raw[key], tuple(rest))
        case list(), int() if key < len(raw):
            yield key
            yield from _existing(raw[key], tuple(rest))
        case _:
            yield from _existing(raw, tuple(rest))


def _misfit(keys: Keys, reason: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong and what would mend it."""
    key = str(keys[-1]) if keys else "the element"
    match reason["type"]:
        case "missing" if isinstance(reason["loc"][-1], int):
            return f"`{key}` has too few values", f"add value {reason['loc'][-1] + 1}"
        case "missing":
            return f"`{key}` is missing", f"add `{key}: …`"
        case "extra_forbidden":
            return _unknown_key(key, _known_keys(WiringModel))
        case "string_type" if isinstance(reason["input"], int | float):
            return f"{_shown(reason['input'])} does not fit", "must be text: put it into quotes"
        case "union_tag_not_found":
            return "`kind` is missing", "add `kind: …`"
        case "union_tag_invalid":
            context = reason.get("ctx", {})
            return f"there is no kind `{context.get('tag')}`", f"write one of {context.get('expected_tags')}"
        case _:
            mend = in_plain_words(reason)
            return f"{_shown(reason['input'])} does not fit", mend[0].lower() + mend[1:]


def _unknown_key(key: str, known: Iterable[str]) -> tuple[str, str]:
    message = f"`{key}` is not a key here"
    if re.search("pass|secret|token", key, re.IGNORECASE):
        return message, "never write a secret into the site: put it into a file of its own and name that file"
    if near := get_close_matches(key, {*known} - {key}, 1, MISSPELT):
        return message, f"did you mean `{near[0]}`? If not, take it out"
    return message, "take it out, or move it to where it belongs"


def _known_keys(model: type[WiringModel]) -> set[str]:
    return set(model.model_fields).union(*map(_known_keys, model.__subclasses__()))


def _shown(value: object) -> str:
    match value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            told = without_credentials(str(value))[:80]
            return f"`{''.join(each if each.isprintable() else repr(each)[1:-1] for each in told)}`"
