"""moto looks at a condition and writes in two steps; DynamoDB does in one."""

from __future__ import annotations

from threading import Lock


class OneAtATime:
    """Sessions whose services answer one call after the other."""

    def __init__(self, sessions):
        self._sessions = sessions
        self._lock = Lock()
        self.caller = sessions.caller

    def service(self, *place):
        with self._lock:
            return _Locked(self._sessions.service(*place), self._lock)


class _Locked:
    def __init__(self, service, lock):
        self._service, self._lock = service, lock

    def ask(self, operation, **parameters):
        with self._lock:
            return self._service.ask(operation, **parameters)
