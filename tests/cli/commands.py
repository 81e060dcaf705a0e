"""A command run in this process, as an operator would type it."""

from click.testing import CliRunner, Result

from filmroom.cli.main import main


def run(*arguments: str, environment: dict[str, str] | None = None, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, input=typed)
