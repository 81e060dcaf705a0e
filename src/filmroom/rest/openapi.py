"""What the tables of operations say, as an OpenAPI 3.1 document: ``/openapi.json``.

It is made from the tables that requests are routed by, so it cannot say anything else. It tells what the program can
do and nothing of what is in the archive, so everybody may read it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache as remember
from typing import Any, Final

import orjson

from filmroom import __version__
from filmroom.model.address import CONTEXTS, Context
from filmroom.model.nodes import Kind
from filmroom.rest import cache, configuration, resumable, search, searches, uploads
from filmroom.rest.call import Call, Handler
from filmroom.rest.documents import DocumentHandler, FormHandler, JsonHandler
from filmroom.rest.operation import Operation
from filmroom.rest.reply import STATUS, Reply
from filmroom.service.archive import Archive

Document = dict[str, Any]
Tables = Mapping[str, Sequence[Operation]]
"""The operations below each mount; an address with contexts follows the mounts of ``with_contexts`` only."""

_DESCRIPTION: Final = (
    "What is below /data is below /REST, /data/archive and /REST/archive too. HEAD goes wherever GET does, and OPTIONS "
    "everywhere. A parameter named path may hold slashes. A POST below /data may say method=PUT or another one."
)
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_RULES: Final = re.compile(r"(?:[CF]-\d+a?(?:, | to |[:.;]\s*|$))+")
_TAKES_ALL: Final = "{path}"
_SIDES: Final = ("in", "out")
_ON_A_SIDE: Final = ("resources", "files")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_DOCUMENTS: Final = ("text/xml", "application/xml")
_FILE: Final = ("*/*", "multipart/form-data")
_STRETCH: Final = (resumable.STRETCH_TYPE,)
_BODIES_BY_CLASS: Final[Mapping[type, Sequence[str]]] = {
    DocumentHandler: (*_DOCUMENTS, *_FORMS),
    FormHandler: _FORMS,
    JsonHandler: ("application/json",),
}
_BODIES: Final[Mapping[Handler, Sequence[str]]] = {
    uploads.put_files: _FILE,
    cache.put_files: _FILE,
    cache.post_files: _FILE,
    resumable.post_upload: _STRETCH,
    resumable.patch_upload: _STRETCH,
    search.search: _DOCUMENTS,
    searches.put_search: _DOCUMENTS,
    configuration.put_configuration: ("*/*",),
}
# What a request can meet that changes nothing; one that does can meet all there is.
_OF_READING: Final = frozenset({400, 401, 403, 404, 405, 406, 415, 500, 503})


def document_handler(tables: Callable[[], Tables], *, with_contexts: str) -> Handler:
    """The handler of ``/openapi.json``; the tables are asked for when it is first read."""

    @remember
    def render(root_path: str) -> bytes:
        return orjson.dumps(describe(tables(), with_contexts=with_contexts, root_path=root_path))

    def get_openapi(_archive: Archive, call: Call) -> Reply:
        """What can be asked of this program, as OpenAPI has it."""
        return Reply(body=render(call.site.root_path), media_type="application/json")

    return get_openapi


def describe(tables: Tables, *, with_contexts: str, root_path: str = "") -> Document:
    """The document of the operations that are below each mount; of several at one path the first counts."""
    paths: dict[str, Document] = {}
    for mount, operations in tables.items():
        for operation in operations:
            for path in iter_paths(mount, operation, has_contexts=mount == with_contexts):
                paths.setdefault(path, _path_item(path, operation))
    return {
        "openapi": "3.1.0",
        "info": {"title": "filmroom", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": root_path or "/"}],
        "security": [{"password": []}, {"session": []}],
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "responses": _error_responses()},
    }


_SECURITY: Final = {
    "password": {"type": "http", "scheme": "basic"},
    "session": {"type": "apiKey", "in": "cookie", "name": "JSESSIONID"},
}


def iter_paths(mount: str, operation: Operation, *, has_contexts: bool) -> Iterator[str]:
    """The path templates that lead to an operation, each with and without the path that may end it."""
    suffix = operation.suffix
    endings = [suffix, suffix.removesuffix(_TAKES_ALL).rstrip("/")] if suffix.endswith(_TAKES_ALL) else [suffix]
    contexts = CONTEXTS if has_contexts else (Context(Kind.SITE, ("",)),)
    shapes = [shape for context in contexts if context.kind in operation.kinds for shape in _shapes(context, suffix)]
    for shape in shapes:
        for ending in endings:
            yield "/".join(part for part in (mount, shape, ending) if part) or "/"


def _shapes(context: Context, suffix: str) -> Iterator[str]:
    """F-32: a side may stand before resources and files."""
    has_side = context.sides and suffix.split("/", 1)[0] in _ON_A_SIDE
    for shape in context.shapes:
        yield shape
        if has_side:
            yield f"{shape}/{{side}}"


def _path_item(path: str, operation: Operation) -> Document:
    item: Document = {method.lower(): _method(method, operation) for method in operation.handlers}
    if variables := _VARIABLE.findall(path):
        item["parameters"] = [_parameter(name) for name in variables]
    return item


def _parameter(name: str) -> Document:
    schema: Document = {"type": "string", "minLength": 1}
    if name == "side":
        schema["enum"] = list(_SIDES)
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _method(method: str, operation: Operation) -> Document:
    handler = operation.handlers[method]
    statuses = sorted(_OF_READING if method == "GET" else {*STATUS.values()})
    told: Document = {
        "summary": _summary(handler),
        "responses": {
            "2XX": {"description": "Done"},
            "3XX": {"description": "Not modified"},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses},
        },
    }
    if operation.is_open:
        told["security"] = [{}, {"password": []}, {"session": []}]
    if bodies := _bodies(handler):
        told["requestBody"] = {"required": False, "content": {media_type: {} for media_type in bodies}}
    return told


def _bodies(handler: Handler) -> Sequence[str]:
    return _BODIES_BY_CLASS.get(type(handler)) or _BODIES.get(handler, ())


def _summary(handler: Handler) -> str:
    """The first line of what the handler says of itself, without the rules it follows; else its name in words."""
    function = handler.answer if isinstance(handler, DocumentHandler | FormHandler | JsonHandler) else handler
    words = str(getattr(function, "__name__", "")).replace("_", " ").capitalize()
    told = _RULES.sub("", (function.__doc__ or "").strip().split("\n", 1)[0])
    return f"{told[0].upper()}{told[1:]}" if told else words


def _error_responses() -> Document:
    """By status, with the words for what went wrong."""
    told: dict[int, list[str]] = {}
    for error, status in STATUS.items():
        told.setdefault(status, []).append(_words(error.__name__))
    return {str(status): {"description": ", ".join(words)} for status, words in sorted(told.items())}


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
