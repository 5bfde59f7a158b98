"""Checks the replies in a sandbox's journal against Xero's own OpenAPI files.

The project carries no copy of the files: where the folder named by CONTRACTS does not hold them,
the caller is told so. A member must be one of its schema, of its type, format and enumeration.
Where the service is known to depart from its own file, that is listed here.
"""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import yaml

BASE = "/api.xro/2.0"

# What every reply of the service has around its elements, which the file leaves out.
_ENVELOPE = {"Id", "Status", "ProviderName", "DateTimeUTC", "pagination"}

# Members that the service sends and the file leaves out.
_UNLISTED = {
    # Zone-less siblings of dates (recorded in the cassettes of Xero's own Python library).
    "DateString",
    "DueDateString",
    "DateUTCString",
    # A credit on an invoice carries its id under this name, too.
    "ID",
}

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MS_DATE = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?")


def load():
    """The contract, or None where the files are not at hand."""
    path = Path(os.environ.get("CONTRACTS", "")) / "xero" / "xero_accounting.yaml"
    if not path.is_file():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as file:
        return Contract(yaml.load(file, Loader=loader))


class Contract:
    """The operations and schemas of a file."""

    def __init__(self, document):
        self.schemas = document["components"]["schemas"]
        self.replies = document["components"].get("responses", {})
        self.operations = []
        for template, methods in document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            for method, operation in methods.items():
                if method in ("get", "put", "post", "delete"):
                    self.operations.append((method, re.compile(pattern, re.I), operation))

    def operation(self, method, path):
        """The operation of a request, fixed paths before those with a parameter."""
        path = path.removeprefix(BASE)
        found = [
            (pattern.pattern.count("[^/]+"), operation)
            for verb, pattern, operation in self.operations
            if verb == method.lower() and pattern.fullmatch(path)
        ]
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def reply_schema(self, operation):
        """The schema of a successful reply."""
        replies = operation["responses"]
        reply = replies.get("200") or replies.get("201") or {}
        if "$ref" in reply:
            reply = self.replies[reply["$ref"].rsplit("/", 1)[-1]]
        content = reply.get("content", {})
        return content.get("application/json", {}).get("schema")

    def _resolved(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    def complaints(self, schema, value, path=""):
        """Every way in which a value departs from its schema."""
        schema = self._resolved(schema)
        if value is None:
            return []
        kind = schema.get("type", "object" if "properties" in schema else None)
        if kind == "object":
            return self._object(schema, value, path)
        if kind == "array":
            if not isinstance(value, list):
                return [f"{path} is no list"]
            return [
                found
                for row in value
                for found in self.complaints(schema["items"], row, f"{path}[]")
            ]
        return self._scalar(kind, schema, value, path)

    def _object(self, schema, value, path):
        if not isinstance(value, dict):
            return [f"{path} is no object: {value!r}"]
        known = schema.get("properties", {})
        if not known:
            return []
        found = []
        for member, inner in value.items():
            here = f"{path}.{member}" if path else member
            if member in known:
                found += self.complaints(known[member], inner, here)
            elif member not in _UNLISTED and not (path == "" and member in _ENVELOPE):
                found.append(f"{here} is no member")
        return found

    def _scalar(self, kind, schema, value, path):
        if kind in ("number", "integer"):
            is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
            return [] if is_number else [f"{path} is no number: {value!r}"]
        if kind == "boolean":
            return [] if isinstance(value, bool) else [f"{path} is no boolean: {value!r}"]
        if kind != "string":
            return []
        if not isinstance(value, str):
            return [f"{path} is no text: {value!r}"]
        allowed = schema.get("enum")
        if allowed and value not in [str(choice) for choice in allowed]:
            return [f"{path} is none of its choices: {value!r}"]
        if schema.get("format") == "uuid" and not _UUID.fullmatch(value):
            return [f"{path} is no GUID: {value!r}"]
        if schema.get("x-is-msdate") or schema.get("x-is-msdate-time"):
            is_date = _MS_DATE.fullmatch(value) or _ISO_DATE.fullmatch(value)
            return [] if is_date else [f"{path} is no date: {value!r}"]
        most = schema.get("maxLength")
        if most is not None and len(value) > most:
            return [f"{path} is longer than {most}"]
        return []


def check_replies(contract, entries):
    """Checks all successful replies of the Accounting API: how many, and the complaints.

    A complaint is counted once for each place in the contract, whatever the document.
    """
    checked = 0
    complaints = set()
    for entry in entries:
        is_success = entry["status"] == 200 and entry["reply"] and not entry["fault"]
        if not is_success or not entry["path"].startswith(f"{BASE}/"):
            continue
        place = f"{entry['method']} {_general(entry['path'])}"
        operation = contract.operation(entry["method"], _canonical(entry["path"]))
        if operation is None:
            complaints.add(f"{place} is no operation")
            continue
        schema = contract.reply_schema(operation)
        body = json.loads(entry["reply"], parse_float=Decimal)
        checked += 1
        for found in contract.complaints(schema, body):
            complaints.add(f"{place}: {found}")
    return checked, complaints


def _general(path):
    return _UUID.sub("{id}", path.removeprefix(BASE))


def _canonical(path):
    """The path as the file has it: its names for the organisation and single objects."""
    return re.sub(r"/Organisations$", "/Organisation", path, flags=re.I)
