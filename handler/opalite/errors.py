"""Every error that Opalite raises, in one tree.

OpaliteError
├── UsageError            the caller asked for something that cannot be done as asked: change the call (exit code 2)
├── InvocationError       an event is none that a Config rule's function understands: whoever sent it must change it
├── NormalizationError    a configuration item does not say what every item must say: the item is reported, the others go on
├── DecisionError         OPA answered, but not what was asked: no evaluation may be made of it (exit code 3)
├── EngineError           OPA could not be found, started or reached; trying again may help (exit code 3)
│   └── InstallError      OPA could not be installed
├── AwsError              AWS could not be asked, or did not answer; trying again may help (exit code 3)
├── DeliveryError         AWS Config or another output did not take something; the message names what
└── OutputError           the output could not be written (exit code 3)

A message is one line: what was seen, what was expected, and what to do.
"""

from __future__ import annotations


class OpaliteError(Exception):
    """Root of the tree; never raised itself."""


class UsageError(OpaliteError):
    """The call, a settings file or a bundle is wrong; the message names the file, the place and the remedy."""


class InvocationError(OpaliteError):
    """The event is malformed, of an unknown kind, or asks for what no policy of the bundle is; the same event fails again."""


class NormalizationError(OpaliteError):
    """A configuration item cannot be turned into a resource; the message says which part is missing or malformed."""


class DecisionError(OpaliteError):
    """OPA's answer is not the answer to the question: missing keys, missing policies, or a shape nobody agreed on."""


class EngineError(OpaliteError):
    """OPA is not there, did not start, died, or answers with errors of its own."""


class InstallError(EngineError):
    """OPA could not be downloaded, verified or built."""


class AwsError(OpaliteError):
    """AWS throttles, times out, fails, or does not take the credentials. What it refuses by permission is no error: see Denied.

    `code`: the error code of AWS, empty when no answer came.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class DeliveryError(OpaliteError):
    """What AWS Config or another output did not take, after all attempts.

    The message names resources or objects, not what was said of them.

    `final`: nothing else of the same Config rule would be taken now either.
    """

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class OutputError(OpaliteError):
    """Results could not be written."""
