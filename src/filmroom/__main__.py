"""``python -m filmroom`` is ``filmroom``."""

from filmroom.cli.main import main

main()
