"""Experiments as TOML, with a comment at every field that says what it is and what it can be."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from comparisons.errors import UsageError
from comparisons.fields import one_line


def read(source: str | Path) -> tuple[dict[str, Any], Path]:
    """The fields that TOML describes, and the folder that it lies in.

    A text of one line without an equals sign is taken for the name of a file, as a path is.
    """
    if isinstance(source, str) and ("\n" in source or "=" in source or not source):
        text, path = source, None
    else:
        path = Path(source).expanduser().absolute()
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UsageError(f"{path} does not exist") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from None
    try:
        return tomllib.loads(text), path.parent if path else Path.cwd()
    except tomllib.TOMLDecodeError as error:
        raise UsageError(one_line(f"{path or 'the text'} is not TOML: {error}")) from None


def written(experiment: BaseModel) -> str:
    """The experiment as TOML: its plain fields first, then a table for each description inside it."""
    import tomlkit

    document = tomlkit.document()
    sections = {}
    for name, field in type(experiment).model_fields.items():
        value = getattr(experiment, name)
        if isinstance(value, BaseModel):
            sections[name] = (field, value)
        else:
            add(document, name, field, value)
    for name, (field, section) in sections.items():
        table = tomlkit.table()
        table.comment(str(field.description))
        for line in kinds(field):
            table.add(tomlkit.comment(line))
        table.add("kind", type(section).model_fields["kind"].default)
        for inner, inner_field in type(section).model_fields.items():
            if inner != "kind":
                add(table, inner, inner_field, getattr(section, inner))
        document.add(tomlkit.nl())
        document.add(name, table)
    return tomlkit.dumps(document)


def add(table: Any, name: str, field: FieldInfo, value: Any) -> None:
    """A comment, then the field; one that has no value is left to the comment, for TOML knows no empty value."""
    import tomlkit

    options = choices(field.annotation)
    table.add(tomlkit.comment(f"{field.description}" + (f": {', '.join(options)}" if options else "")))
    if value is None:
        table.add(tomlkit.comment(f"{name} ="))
    else:
        table.add(name, list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value)


def kinds(field: FieldInfo) -> Iterator[str]:
    """A line for each kind of description that can stand here, with the fields of its own."""
    for model in get_args(field.annotation):
        inner = [name for name in model.model_fields if name != "kind"]
        yield f'"{model.model_fields["kind"].default}": {model.__doc__} ({", ".join(inner)})'


def choices(annotation: Any) -> tuple[str, ...]:
    """What a field can be, where that is a list of words."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for inner in get_args(annotation) if (found := choices(inner))), ())
