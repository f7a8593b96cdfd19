"""The command line. `main` is the entry point; the commands' modules are loaded only when they are called."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys

from opalite.errors import OpaliteError, UsageError

_told_to_end: list[bool] = []  # by SIGTERM

CLEAN, VIOLATIONS, MISUSE, FAILED = 0, 1, 2, 3


def main() -> None:
    """Run a command and end with its exit code; errors are one line on standard error."""
    signal.signal(signal.SIGTERM, _terminate)
    # Decoded items are trees, freed when they are let go: looking for cycles among them costs a tenth of the time for nothing.
    gc.set_threshold(100_000, 50, 50)
    try:
        _open_missing_streams()
        code = _run()
    except KeyboardInterrupt:
        code = _say("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:
        # The reader has seen enough (`| head`): end as other tools do, without a word.
        _forget_stdout()
        code = 128 + signal.SIGPIPE
    except UsageError as error:
        code = _say(str(error), MISUSE)
    except OpaliteError as error:
        code = _say(str(error), FAILED)
    except OSError as error:
        # Reading and writing items have their own words; this is the rest, as `opalite version > /dev/full`.
        _forget_stdout()
        place = error.filename or "standard output or a temporary file"
        code = _say(f"{place}: {error.strerror or error}", FAILED)
    except Exception as error:  # noqa: BLE001 - click's own, without importing click where it is not needed
        code = _from_click(error)
    if _told_to_end:  # and somebody swallowed it, as the interpreter does around a fork
        code = 128 + signal.SIGTERM
    sys.exit(code if isinstance(code, int) else CLEAN)


def _run() -> object:
    """The command's exit code. Not by click's own `main`: it ends a closed pipe and Ctrl-C with a code and words of its own."""
    from opalite.cli.commands import cli  # noqa: PLC0415 - so that an error while loading is one line, too

    if "_OPALITE_COMPLETE" in os.environ:  # a shell asks how the line may go on
        cli.main(prog_name="opalite")
    with cli.make_context("opalite", sys.argv[1:]) as context:
        return cli.invoke(context)


def _open_missing_streams() -> None:
    """The number of a closed stream would go to the next file that is opened, which would then be read or written for it.

    What stands in for it refuses to be read from (standard input) or written to (standard output).
    """
    for name, flags, mode in (
        ("stdin", os.O_WRONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, closefd=False))


def _from_click(error: Exception) -> int:
    import click  # noqa: PLC0415

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return _say("interrupted", 128 + signal.SIGINT)
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # since click 8.2
        click.echo(str(error), err=True)
        return MISUSE
    if isinstance(error, click.ClickException):
        if isinstance(error, click.UsageError) and error.ctx is not None:
            return _say(f"{error.format_message()} Try '{error.ctx.command_path} --help'.", MISUSE)
        return _say(error.format_message(), MISUSE)
    if os.environ.get("OPALITE_DEBUG"):
        raise error
    return _say(
        f"a fault in opalite: {type(error).__name__}: {error}; please report it (OPALITE_DEBUG=1 shows where)", FAILED
    )


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write("opalite: " + " ".join(message.split()) + "\n")
    return code


def _forget_stdout() -> None:
    """So that the interpreter's last flush has nowhere to fail."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _terminate(*_: object) -> None:
    _told_to_end.append(True)
    raise SystemExit(128 + signal.SIGTERM)
