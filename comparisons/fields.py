"""Frozen descriptions whose mistakes are one sentence each: what was expected, what came, what to do.

pydantic validates and reports in several lines for developers; `sentence` is the one place that turns its report into a
`UsageError`. Such a sentence begins with the field, so that a description with others inside only puts a name in front.
"""

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from comparisons.errors import UsageError


class Fields(BaseModel):
    """A frozen, hashable and picklable description of named fields; a wrong or unknown one raises UsageError."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise UsageError(one_line(sentence(error, type(self)))) from None

    def __eq__(self, other: object) -> bool:
        """By the fields alone; pydantic would also compare the arrays that a description has read and kept."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)


def sentence(error: ValidationError, described: type[BaseModel]) -> str:
    """What is wrong, in one sentence; of several mistakes an unknown field, since it may explain a missing one."""
    mistakes = error.errors(include_url=False)
    unknown = [mistake for mistake in mistakes if mistake["type"] == "extra_forbidden"]
    mistake = (unknown or mistakes)[0]
    field, *inside = mistake["loc"] or ("",)
    # An entry of a list counts from 1, as layers do. Descriptions inside others report themselves, so nothing is lost.
    path = f"{field}" + "".join(f", entry {part + 1}" for part in inside if isinstance(part, int))
    found = mistake["input"]
    match mistake["type"], mistake.get("ctx", {}):
        case "extra_forbidden", _:
            kind = described.model_fields.get("kind")
            whose = f' of kind "{kind.default}"' if kind else ""
            return f"{path} is not a field{whose}, or not yet; {known(str(field), described.model_fields)}"
        case "missing", _:
            return f"{path} is missing: {described.model_fields[str(field)].description}"
        case "literal_error", {"expected": expected}:
            return f"{path}: {not_supported(found, expected)}"
        case "union_tag_invalid", {"tag": _, "expected_tags": expected}:
            kind = found["kind"] if isinstance(found, Mapping) else found.kind
            return f"{path}.kind: {not_supported(kind, expected)}"
        case "value_error", {"error": UsageError() as inner}:
            return f"{path}.{inner}" if path else str(inner)
        case "value_error", {"error": inner}:
            return f"{path}{inner}"
        case _:
            expected = mistake["msg"].replace("Input should", "must")
            for theirs, ours in PLAIN_WORDS.items():
                expected = re.sub(theirs, ours, expected)
            return f"{path} {expected}, but is {shortly(found)}"


PLAIN_WORDS = {
    "a valid tuple": "a list",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "a text",
    "Input is not a valid path.*": "must be the path of a file",
    "a valid dictionary.*": "a table of fields",
    "greater than or equal to": "at least",
    "greater than": "above",
    "less than": "below",
    "[Tt]uple should have (.*) after validation, not .*": r"must have \1",
    "String should have": "must have",
}


def known(name: str, names: Iterable[str]) -> str:
    """The names that there are, after the one that was probably meant."""
    names = list(names)
    return f"{meant(name, names)}known are {', '.join(names)}"


def not_supported(value: object, quoted: str) -> str:
    """That a choice is none, and the ones that there are, from pydantic's list of quoted ones."""
    choices = re.findall("'([^']*)'", quoted)
    probably = meant(str(value).replace("_", "-"), choices)
    return f"{shortly(value)} is not supported yet; {probably}supported are {', '.join(choices)}"


def meant(name: str, names: Iterable[str]) -> str:
    """A question whether the name nearest to this one was meant, if one is near; capital letters do not matter."""
    folded = {other.casefold(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]}? " if near else ""


def shortly(value: object) -> str:
    """A value as it would be typed, cut short where it is long."""
    if isinstance(value, str):
        return f'"{value if len(value) <= 60 else value[:57] + "..."}"'
    return reprlib.repr(value)


def one_line(text: str) -> str:
    """The text with its line ends and whatever else cannot be printed spelled out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def absolute(path: Path) -> Path:
    """The path from the root on, so that it means the same from wherever it is looked at."""
    try:
        path = path.expanduser().absolute()
    except RuntimeError:  # there is no such user
        path = path.absolute()
    if "\0" in str(path):
        raise ValueError(f" must be the path of a file, but is {shortly(str(path))}")
    return path


def units(value: Any) -> Any:
    """A number as it is; the name of a layer, or a table that describes one, is refused."""
    match value:
        case str() | Mapping():
            raise ValueError(
                f": {shortly(value)} is not supported yet; supported are dense layers, written as their number of units"
            )
        case _:
            return value


Count = Annotated[int, Field(strict=True, ge=1)]
Units = Annotated[Count, BeforeValidator(units)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Decay = Annotated[float, Field(strict=True, ge=0, lt=1)]
File = Annotated[Path, AfterValidator(absolute)]
