"""Whether the server lives and can do its work, for whoever watches over it; nobody needs to sign in for that."""

from typing import Final

import orjson

from filmroom.rest.call import Site
from filmroom.rest.reply import NO_STORE, Reply
from filmroom.service.archive import Archive
from filmroom.service.health import OK

ALIVE: Final = "/healthz"
READY: Final = "/readyz"
HEALTH_METHODS: Final = ("GET", "HEAD")


def health_path(site: Site, raw_path: str) -> str | None:
    """Which of the two a path is, below the site's context path or without it; None for neither."""
    path = raw_path.removeprefix(site.root_path)
    return path if path in {ALIVE, READY} else None


def alive_reply() -> Reply:
    """The process answers, and that is all that this says."""
    return Reply(body=b"ok\n", headers=[NO_STORE])


def ready_reply(archive: Archive) -> Reply:
    """200 when all that was tried works, else 503; JSON with a word for each thing that was tried."""
    found = archive.health.check()
    is_ready = all(word == OK for word in found.values())
    body = orjson.dumps({"ready": is_ready, "checks": found}, option=orjson.OPT_APPEND_NEWLINE)
    return Reply(status=200 if is_ready else 503, body=body, media_type="application/json", headers=[NO_STORE])
