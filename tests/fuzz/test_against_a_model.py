"""The whole API against plain dicts: whatever is done, in whichever order, both hold the same."""

import io
import zipfile
from itertools import count
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from starlette.testclient import TestClient

from fuzz.effort import effort
from fuzz.model import KEYS, Files, Key, Model
from rest.session import results
from rest.tus import metadata, patch

PROJECTS: Final = count()
RESOURCES: Final = st.sampled_from(["R1", "R2"])
PATHS: Final = st.sampled_from(["a", "b.txt", "d/a", "d/deep/c", "a/x", "\u00e9 %41.dcm"])
CONTENTS: Final = st.sampled_from([b"", b"one", b"two" * 50])
OWNERS: Final = st.sampled_from(KEYS)
CACHE: Final = "/data/user/cache/resources/MOVING"
QUERIES: Final = {"session": "xsiType=xnat:mrSessionData", "scan": "xsiType=xnat:mrScanData"}
_ASSESSOR: Final = "xsiType=xnat:qcManualAssessorData"


def _quoted(path: str) -> str:
    return path.replace("%", "%25")


def _zip(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return out.getvalue()


def _in_body(client: TestClient, url: str, path: str, content: bytes, query: str) -> Any:
    return client.put(f"{url}/files/{_quoted(path)}?inbody=true&{query}", content=content)


def _chunked(client: TestClient, url: str, path: str, content: bytes, query: str) -> Any:
    return client.post(f"{url}/files/{_quoted(path)}?inbody=true&{query}", content=iter([content[:2], content[2:]]))


def _form(client: TestClient, url: str, path: str, content: bytes, query: str) -> Any:
    return client.put(f"{url}/files/{_quoted(path)}?{query}", files={"file": ("n", content)})


WAYS: Final = {"in body": _in_body, "chunked": _chunked, "form": _form}


class Machine(RuleBasedStateMachine):
    """Alice, and a project of hers of its own."""

    client: TestClient

    @initialize()
    def begin(self) -> None:
        self.model = Model(f"/data/projects/M{next(PROJECTS)}")
        assert self.client.put(self.model.url).status_code == 200

    @rule(key=st.sampled_from([key for key in KEYS if key[0] not in {"project", "in"}]))
    def make(self, key: Key) -> None:
        query = QUERIES.get(key[0], _ASSESSOR if key[0] == "out" else "")
        if not self.model.may_be_made(key):
            return
        reply = self.client.put(f"{self.model.url_of(key)}?{query}")
        assert reply.status_code in {200, 201}, reply.text
        self.model.things.add(key)

    @rule(key=st.sampled_from([key for key in KEYS if key[0] not in {"project", "in"}]), is_undone=st.booleans())
    def delete(self, key: Key, is_undone: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        url = self.model.url_of(key)
        is_there = self.model.is_there(key)
        assert self.client.delete(f"{url}?removeFiles=true").status_code == (200 if is_there else 404)
        if is_there and is_undone:
            assert self.client.post(f"{url}/undelete").status_code == 200
        elif is_there:
            self.model.drop(key)

    @rule(number=st.sampled_from([0, 1, 2]))
    def rename(self, number: int) -> None:
        if self.model.is_there(("session", number)):
            url = self.model.url_of(("session", number))
            self.model.is_renamed[number] = not self.model.is_renamed.get(number)
            assert self.client.put(f"{url}?label={self.model.label(number)}").status_code == 200

    @rule(
        key=OWNERS, resource=RESOURCES, path=PATHS, content=CONTENTS, way=st.sampled_from([*WAYS]), again=st.booleans()
    )
    def upload(self, key: Key, resource: str, path: str, content: bytes, way: str, again: bool) -> None:  # noqa: FBT001
        reply = WAYS[way](self.client, self._resource(key, resource), path, content, f"overwrite={str(again).lower()}")
        self._check_put(reply, key, resource, {path: content}, overwrite=again)

    @rule(key=OWNERS, resource=RESOURCES, files=st.dictionaries(PATHS, CONTENTS, min_size=1), again=st.booleans())
    def extract(self, key: Key, resource: str, files: Files, again: bool) -> None:  # noqa: FBT001
        if any(one.startswith(f"{path}/") for path in files for one in files):
            return
        query = f"extract=true&inbody=true&overwrite={str(again).lower()}"
        reply = self.client.put(f"{self._resource(key, resource)}/files/x.zip?{query}", content=_zip(files))
        self._check_put(reply, key, resource, files, overwrite=again)

    @rule(key=OWNERS, resource=RESOURCES, path=PATHS, content=CONTENTS)
    def upload_in_stretches(self, key: Key, resource: str, path: str, content: bytes) -> None:
        if not self.model.is_there(key) or self.model.conflicts(key, resource, path) or not content:
            return
        url = f"{self._resource(key, resource)}/uploads?overwrite=true"
        head = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)), "Upload-Metadata": metadata(path=path)}
        begun = self.client.post(url, headers=head)
        assert begun.status_code == 201, begun.text
        for at in (0, 2):
            stretch = content[at:] if at else content[:2]
            assert patch(self.client, begun.headers["Location"], at, stretch).status_code == 204
        self.model.put(key, resource, {path: content}, overwrite=True)

    @rule(key=OWNERS, resource=RESOURCES, path=PATHS, content=CONTENTS, again=st.booleans())
    def move(self, key: Key, resource: str, path: str, content: bytes, again: bool) -> None:  # noqa: FBT001
        assert self.client.put(f"{CACHE}/files/one?inbody=true", content=content).status_code == 200
        reply = self.client.post(
            f"/data/services/move-files?overwrite={str(again).lower()}",
            data={
                "src": "/user/cache/resources/MOVING/files/one",
                "dest": f"{self._resource(key, resource).replace('/data', '/archive', 1)}/files/{path}",
            },
        )
        self._check_put(reply, key, resource, {path: content}, overwrite=again)

    @rule(key=OWNERS, resource=RESOURCES, path=PATHS, is_undone=st.booleans())
    def delete_file(self, key: Key, resource: str, path: str, is_undone: bool) -> None:  # noqa: FBT001
        """F-161; a folder is deleted with all in it."""
        files = self.model.files(key, resource)
        gone = [one for one in files if one == path or one.startswith(f"{path}/")]
        has_resource = not self.model.is_there(key) or (key, resource) in self.model.resources
        url = self._resource(key, resource)
        status = self.client.delete(f"{url}/files/{_quoted(path)}").status_code
        assert status == (200 if gone else 404 if has_resource else 400)
        if gone and is_undone:
            assert self.client.post(f"{url}/undelete/{_quoted(path)}").status_code == 200
            return
        for one in gone:
            del files[one]

    @rule(key=OWNERS, resource=RESOURCES, ending=st.sampled_from(["d/", "*"]))
    def delete_files(self, key: Key, resource: str, ending: str) -> None:
        files = self.model.files(key, resource)
        gone = [path for path in files if path.startswith(ending.rstrip("*"))]
        reply = self.client.delete(f"{self._resource(key, resource)}/files/{ending}")
        assert reply.status_code == 200 if gone else reply.status_code in {200, 400, 404}
        for path in gone:
            del files[path]

    @rule(key=OWNERS, resource=RESOURCES, is_undone=st.booleans())
    def delete_resource(self, key: Key, resource: str, is_undone: bool) -> None:  # noqa: FBT001
        url = self._resource(key, resource)
        if (key, resource) in self.model.resources:
            assert self.client.delete(url).status_code == 200
            if is_undone:
                assert self.client.post(f"{url}/undelete").status_code == 200
            else:
                del self.model.resources[key, resource]

    @precondition(lambda self: self.model.resources)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        key, resource = data.draw(st.sampled_from(sorted(self.model.resources)))
        self._compare(key, resource)

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for key in KEYS:
            self._compare_counters(key)
        for key, resource in self.model.resources:
            self._compare(key, resource)

    def _resource(self, key: Key, resource: str) -> str:
        return f"{self.model.url_of(key)}/resources/{resource}"

    def _check_put(self, reply: Any, key: Key, resource: str, files: Files, *, overwrite: bool) -> None:
        if not self.model.is_there(key):
            assert reply.status_code == 404, reply.text
        elif any(self.model.conflicts(key, resource, path) for path in files):
            assert reply.status_code == 409, reply.text
        else:
            refused = self.model.put(key, resource, files, overwrite=overwrite)
            assert reply.status_code == 200, reply.text
            assert (b"duplicates" in reply.content) == bool(refused)

    def _compare(self, key: Key, resource: str) -> None:
        """The list, every byte, and the zip."""
        url, files = self._resource(key, resource), self.model.files(key, resource)
        sizes = {row["URI"].split("/files/", 1)[1]: row["Size"] for row in results(self.client, f"{url}/files")}
        assert len(sizes) == len(files)
        assert sorted(sizes.values()) == sorted(str(len(content)) for content in files.values())
        for path, content in files.items():
            reply = self.client.get(f"{url}/files/{_quoted(path)}")
            assert (reply.status_code, reply.content) == (200, content)
        if files:
            zipped = self.client.get(f"{url}/files?format=zip").content
            with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
                assert sorted(map(archive.read, archive.namelist())) == sorted(files.values())

    def _compare_counters(self, key: Key) -> None:
        if not self.model.is_there(key):
            assert self.client.get(f"{self.model.url_of(key)}/resources").status_code == 404
            return
        told = {
            row["label"]: (int(row["file_count"] or 0), int(row["file_size"] or 0))
            for row in results(self.client, f"{self.model.url_of(key)}/resources?file_stats=true")
        }
        expected = {
            resource: (len(files), sum(map(len, files.values())))
            for (owner, resource), files in self.model.resources.items()
            if owner == key
        }
        assert told == expected


def test_an_archive_does_what_plain_dicts_do(alice: TestClient) -> None:
    machine = type("AtAnArchive", (Machine,), {"client": alice})

    run_state_machine_as_test(machine, settings=effort(10, stateful_step_count=40))
