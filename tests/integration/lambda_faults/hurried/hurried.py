"""The function, but all pauses are a fiftieth as long: what shall be waited for need not be waited out."""

import time

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(seconds / 50)

from opalite.app import lambda_handler  # noqa: E402, F401 - botocore and the function take the sleep that they find
