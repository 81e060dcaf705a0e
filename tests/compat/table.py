"""The table of what each client does with filmroom, from the tests' ``client`` marks; ``--write`` documents it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PATH: Final = HERE.parents[1] / "docs/reference/compatibility.md"
_HEAD: Final = """\
# Clients that work

Each of these clients comes from PyPI, is not changed, and is driven by our tests against a real server.
The first part says what was done with each, the second which of them use an endpoint.
While a test runs, the server's log is compared with the requests that the test names here.

A *thing* is a project, a subject, an experiment, a scan, an assessor or a reconstruction, in each shape of its address;
`/data` stands for `/REST`, `/data/archive` and `/REST/archive` too.

Made from the tests by `make compat`; a test fails when it is out of date.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A test that has a client do something, and the forms of the requests by which it does it."""

    client: str
    works: str
    endpoints: tuple[str, ...]
    module: str
    test: str


def list_proofs() -> tuple[Proof, ...]:
    """In the order of clients, modules, and tests. The modules are imported; nothing is run."""
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    return tuple(
        sorted((proof for name in names for proof in _proofs_of(name)), key=lambda proof: proof.client.lower())
    )


def _proofs_of(module: str) -> Iterator[Proof]:
    for name, item in vars(import_module(f"compat.{module}")).items():
        marks = getattr(item, "pytestmark", []) if name.startswith("test_") else []
        for client, works, *endpoints in (mark.args for mark in marks if mark.name == "client"):
            yield Proof(client=client, works=works, endpoints=tuple(endpoints), module=module, test=name)


def render() -> str:
    proofs = list_proofs()
    clients = dict.fromkeys(proof.client for proof in proofs)
    parts = (_HEAD, *(_client(name, proofs) for name in clients), _endpoints(proofs), _links(proofs))
    return "\n".join(parts)


def _client(name: str, proofs: tuple[Proof, ...]) -> str:
    rows = [
        f"| {proof.works} | {'<br>'.join(f'`{form}`' for form in proof.endpoints)} | [test][{proof.test}] |"
        for proof in proofs
        if proof.client == name
    ]
    return "\n".join([f"## {name}\n", "| what works | by | |", "| --- | --- | --- |", *rows, ""])


def _endpoints(proofs: tuple[Proof, ...]) -> str:
    used = {form: dict[str, None]() for form in sorted(_forms(proofs), key=lambda form: form.split(" ")[::-1])}
    for proof in proofs:
        for form in proof.endpoints:
            used[form][proof.client] = None
    rows = [f"| `{form}` | {', '.join(clients)} |" for form, clients in used.items()]
    return "\n".join(["## Endpoints\n", "| endpoint | is used by |", "| --- | --- |", *rows, ""])


def _forms(proofs: tuple[Proof, ...]) -> set[str]:
    return {form for proof in proofs for form in proof.endpoints}


def _links(proofs: tuple[Proof, ...]) -> str:
    modules = {proof.test: proof.module for proof in proofs}
    return "".join(f"[{test}]: ../../tests/compat/{module}.py\n" for test, module in modules.items())


if __name__ == "__main__":
    if "--write" in sys.argv:
        PATH.write_text(render(), encoding="utf-8")
    else:
        print(render(), end="")  # noqa: T201 - this is what the script is for
