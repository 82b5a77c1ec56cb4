"""What the tests beside the vendors' SDKs share: fields of models, and differences of trees."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec


def fields(struct: type[msgspec.Struct]) -> set[str]:
    """Return the fields of a struct of ours, as they are named on the wire."""
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def names(model: Any) -> set[str]:
    """Return the fields of a model of an SDK, as they are named on the wire."""
    return {field.alias or name for name, field in model.model_fields.items()}


def models(union: Any) -> dict[str, Any]:
    """Return the members of a union of an SDK, by the types that they have on the wire."""
    found = {}
    for model in get_args(get_args(union)[0]):
        (tag,) = get_args(model.model_fields["type"].annotation)
        found[tag] = model
    return found


def differences(ours: Any, theirs: Any) -> set[str]:
    """Return the paths at which two trees differ; null is absent."""
    return {*missing(ours, theirs), *missing(theirs, ours)}


def missing(wanted: Any, held: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what a tree lacks, or has otherwise, of what is wanted; null is absent."""
    if isinstance(wanted, dict) and isinstance(held, dict):
        for name, value in wanted.items():
            yield from missing(value, held.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(held, list) and len(wanted) == len(held):
        for a, b in zip(wanted, held, strict=True):
            yield from missing(a, b, path)
    elif wanted != held:
        yield path


def joined(tree: Any) -> Any:
    """Return a tree with whole surrogate pairs, whose halves the SDKs leave as they come."""
    if isinstance(tree, dict):
        return {joined(name): joined(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [joined(item) for item in tree]
    if isinstance(tree, str):
        return tree.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return tree
