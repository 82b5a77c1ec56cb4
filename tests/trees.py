"""Trees as JSON has them."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


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
