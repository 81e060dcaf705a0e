"""What pyxnat 1.6.4 sees of signing in: ``pyxnat_session.py URL PASSWORD``."""

import sys

from pyxnat import Interface

from telling import attempt, tell


def main(url: str, password: str) -> None:
    interface = Interface(server=url, user="admin", password=password)
    attempt("connect", interface.select.projects().get)
    attempt("version", lambda: interface.version()["version"])
    tell("entry", interface._entry)
    attempt("disconnect", interface.disconnect)
    attempt("again with the stale cookie", interface.select.projects().get)
    wrong = Interface(server=url, user="admin", password="wrong")
    attempt("wrong password", lambda: wrong.get("/data/projects").raise_for_status())
    attempt("wrong password, a list", lambda: wrong._get_json("/data/projects?format=csv"))


main(*sys.argv[1:])
