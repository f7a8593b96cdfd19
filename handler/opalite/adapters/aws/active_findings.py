"""Which findings of ours Security Hub shows as active: GetFindings, in the member account and Region that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from opalite.errors import DeliveryError
from opalite.ports import Denied, Place, Sessions

ACTIONS: Final = ("securityhub:GetFindings",)  # of the member account

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html
FINDINGS_PER_PAGE: Final = 100
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html: 3 calls a second in an account and Region
SECONDS_PER_PAGE: Final = 1 / 3
# Members may import as many findings that look like ours as they like. What lies behind is found once these are archived.
PAGES: Final = 100
RESERVE_SECONDS: Final = 45.0  # with less left no further page is asked for

_OFF: Final = "(InvalidAccessException)"


class ActiveFindings:
    """Meets opalite.sweep.findings.Hub. May be asked from several threads at once."""

    def __init__(self, sessions: Sessions, *, sleep: Callable[[float], None]) -> None:
        self._sessions = sessions
        self._sleep = sleep

    def active(
        self, place: Place, product_arn: str, generator: str, deadline: Callable[[], float]
    ) -> Iterator[Mapping[str, Any]]:
        """Those of a product whose GeneratorId begins with `generator`; none where Security Hub is not enabled.

        Raises Denied, AwsError, or DeliveryError when there is no time for the next page, or there are too many.
        """
        pages = self._sessions.service("securityhub", place.account_id, place.region).pages(
            "GetFindings",
            Filters={
                "ProductArn": [{"Value": product_arn, "Comparison": "EQUALS"}],
                "GeneratorId": [{"Value": generator, "Comparison": "PREFIX"}],
                "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
            },
            MaxResults=FINDINGS_PER_PAGE,
        )
        where = f"{ACTIONS[0]} in account {place.account_id}, {place.region}"
        try:
            for number, page in enumerate(pages):
                yield from page["Findings"]
                if not page.get("NextToken"):
                    return
                if number + 1 == PAGES:
                    raise DeliveryError(f"{where}: there are more than {PAGES * FINDINGS_PER_PAGE} active findings")
                if deadline() < RESERVE_SECONDS:
                    raise DeliveryError(f"{where}: no time was left for all active findings")
                self._sleep(SECONDS_PER_PAGE)
        except Denied as denied:
            if _OFF not in str(denied):
                raise
