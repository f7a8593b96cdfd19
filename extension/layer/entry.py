"""How a program of the build ends: exit codes, and errors as one line on standard error."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import click

from opalite.errors import OpaliteError, UsageError


def run(command: click.Command, name: str) -> None:
    """Exit codes: 0 built, 2 not ready or misuse, 3 failed, 130 SIGINT, 143 SIGTERM."""

    def end(message: str, code: int) -> NoReturn:
        sys.stderr.write(f"{name}: " + " ".join(message.split()) + "\n")
        sys.exit(code)

    signal.signal(signal.SIGTERM, _terminate)
    try:
        command.main(standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        end("interrupted", 128 + signal.SIGINT)
    except click.ClickException as error:
        end(error.format_message(), 2)
    except UsageError as error:
        end(str(error), 2)
    except OpaliteError as error:
        end(str(error), 3)
    except OSError as error:
        end(f"{error.filename or 'a file'}: {error.strerror or error}", 3)


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)
