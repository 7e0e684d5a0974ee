"""Nodes as pyaileys has them, to ours and back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from pyaileys.wabinary.types import BinaryNode


def to_binary(element: Element) -> BinaryNode:
    """Return a node as pyaileys sends it."""
    from pyaileys.wabinary.types import BinaryNode

    text = element.text
    if len(element):
        return BinaryNode(element.tag, dict(element.attrib), [to_binary(each) for each in element])
    return BinaryNode(
        element.tag, dict(element.attrib), text.encode() if isinstance(text, str) else text
    )


def from_binary(binary: BinaryNode) -> Element:
    """Return a node that pyaileys received; bytes that are no text are replaced."""
    element = Element(binary.tag, binary.attrs)
    match binary.content:
        case list() as children:
            element.extend(map(from_binary, children))
        case bytes() as data:
            element.text = data.decode(errors="replace")
        case text:
            element.text = text
    return element
