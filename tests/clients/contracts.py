"""Checks JSON replies against the provider's own XML schemas.

The project carries no copy of the schemas: where the folder named by CONTRACTS does not hold
them, the caller is told so. Only the standard library is used. A JSON member must be an element
of its XML type, a list only where the element may repeat, a value of the element's simple type.
"""

import json
import os
import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

_XS = "{http://www.w3.org/2001/XMLSchema}"

# What JSON has and XML writes as attributes, or not at all.
_ATTRIBUTES = {"domain", "status", "sparse"}

_SIMPLE = {
    "decimal": lambda value: isinstance(value, (int, Decimal)) and not isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "positiveInteger": lambda value: isinstance(value, int) and value > 0,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "date": lambda value: isinstance(value, str)
    and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
    "dateTime": lambda value: isinstance(value, str)
    and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None,
}


def schemas():
    """The folder of the schemas, or None where they are not at hand."""
    folder = Path(os.environ.get("CONTRACTS", "")) / "qbo" / "xsd"
    return folder if (folder / "Finance.xsd").is_file() else None


class Contract:
    """All types of the schemas in a folder."""

    def __init__(self, folder):
        self.types = {}
        self.simple = {}
        self.elements = {}
        for path in sorted(folder.glob("*.xsd")):
            root = ElementTree.parse(path).getroot()
            for node in root.iter(f"{_XS}complexType"):
                if node.get("name"):
                    self.types[node.get("name")] = node
            for node in root.iter(f"{_XS}simpleType"):
                if node.get("name"):
                    self.simple[node.get("name")] = node
            for node in root.findall(f"{_XS}element"):
                self.elements[node.get("name")] = node

    def members(self, name):
        """Elements of a type and of those it extends: name to (type, may repeat)."""
        found = {}
        while name in self.types:
            node = self.types[name]
            repeats = {
                id(inner)
                for group in node.iter()
                if group.tag in (f"{_XS}choice", f"{_XS}sequence")
                and group.get("maxOccurs") == "unbounded"
                for inner in group.iter(f"{_XS}element")
            }
            for element in node.iter(f"{_XS}element"):
                named = (element.get("name") or element.get("ref")).split(":")[-1]
                kind = element.get("type") or self._type_of(named)
                is_list = element.get("maxOccurs") == "unbounded" or id(element) in repeats
                found.setdefault(named, (kind.split(":")[-1], is_list))
            extension = node.find(f".//{_XS}extension")
            name = extension.get("base").split(":")[-1] if extension is not None else None
        return found

    def _type_of(self, element):
        node = self.elements.get(element)
        return (node.get("type") or "anyType") if node is not None else "anyType"

    def complaints(self, name, value, path=None):
        """Every way in which a JSON object departs from its type."""
        path = path or name
        known = self.members(name)
        found = []
        for member, inner in value.items():
            here = f"{path}.{member}"
            if member in _ATTRIBUTES:
                continue
            if member not in known:
                found.append(f"{here} is no element of {name}")
                continue
            kind, is_list = known[member]
            if isinstance(inner, list):
                if not is_list:
                    found.append(f"{here} is a list and may not repeat")
                for index, row in enumerate(inner):
                    found += self._value(kind, row, f"{here}[{index}]")
            else:
                found += self._value(kind, inner, here)
        return found

    def _value(self, kind, value, path):
        if kind == "anyType" or self._is_open(kind):
            return []
        if kind == "ReferenceType":
            is_reference = isinstance(value, dict) and set(value) <= {"value", "name", "type"}
            texts = is_reference and all(isinstance(text, str) for text in value.values())
            return [] if texts and "value" in value else [f"{path} is no reference: {value}"]
        if kind in self.types:
            if isinstance(value, dict):
                return self._complex(kind, value, path)
            return [f"{path} is no {kind}: {value!r}"]
        return self._scalar(kind, value, path)

    def _is_open(self, kind):
        """Whether a type takes any element, so that nothing can be said about its members."""
        return kind in self.types and self.types[kind].find(f".//{_XS}any") is not None

    def _complex(self, kind, value, path):
        # Text with attributes, such as a memo, is written with its text under "value".
        if self.types[kind].find(f"{_XS}simpleContent") is not None:
            return [] if "value" in value else [f"{path} has no value: {value}"]
        return self.complaints(kind, value, path)

    def _scalar(self, kind, value, path):
        allowed = []
        seen = kind
        while seen in self.simple:
            node = self.simple[seen]
            allowed = allowed or [
                choice.get("value") for choice in node.iter(f"{_XS}enumeration")
            ]
            restriction = node.find(f"{_XS}restriction")
            if restriction is None:
                break
            seen = restriction.get("base").split(":")[-1]
        if allowed and value not in allowed:
            return [f"{path} is none of {kind}: {value!r}"]
        check = _SIMPLE.get(seen, _SIMPLE["string"])
        return [] if check(value) else [f"{path} is no {kind}: {value!r}"]


def check_replies(contract, entries):
    """Checks the entities in all successful replies; returns how many, and the complaints.

    A complaint is counted once for each place in the schema, whatever the document.
    """
    checked = 0
    complaints = set()
    for entry in entries:
        if entry["status"] != 200 or entry["fault"] or not entry["reply"]:
            continue
        if entry["realm"] is None:
            continue
        body = json.loads(entry["reply"], parse_float=Decimal)
        for kind, value in _entities(contract, body):
            checked += 1
            for complaint in contract.complaints(kind, value):
                complaints.add(re.sub(r"\[\d+\]", "[]", complaint))
    return checked, complaints


def _entities(contract, body):
    """Every entity in a reply, whatever its envelope, with the name of its type."""
    for member, value in body.items():
        if member in ("QueryResponse", "BatchItemResponse", "CDCResponse"):
            blocks = value if isinstance(value, list) else [value]
            for block in blocks:
                yield from _entities(contract, block)
        elif member in contract.types and member != "Fault":
            for row in value if isinstance(value, list) else [value]:
                if isinstance(row, dict) and row.get("status") != "Deleted":
                    yield member, row
