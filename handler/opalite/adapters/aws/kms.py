"""Facts about KMS keys: DescribeKey and ListAliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opalite.adapters.aws.cache import Cache, Now
from opalite.ports import Absent, Answer, Denied, Place, Sessions


class Keys:
    """Keys are named by ARN, of the key or of an alias; a bare id or name has been completed before."""

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._aliases: Cache[Place] = Cache(now)
        self.caches = (self._aliases,)

    def fetch(self, place: Place, keys: Sequence[str]) -> dict[str, Answer]:
        """The keys by ARN, asked as the account whose resource uses them, else as the owner."""
        return {arn: self._key(place, arn) for arn in keys}

    def _key(self, place: Place, arn: str) -> Answer:
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] != "kms" or not parts[5].startswith(("key/", "alias/")):
            return Answer(None, "this is not the ARN of a KMS key")
        home = Place(parts[1], parts[4], parts[3])
        if parts[5].startswith("alias/aws/"):
            return self._aws_managed(home, parts[5])
        refusals: list[str] = []
        for account_id in dict.fromkeys((place.account_id, home.account_id)):
            try:
                return self._described(home._replace(account_id=account_id), arn)
            except Denied as denied:
                refusals.append(str(denied))
            except Absent:
                if account_id == home.account_id:  # nobody else's word would prove it
                    return Answer(_gone(home), "there is no such key")
                refusals.append(f"account {account_id} does not find it")
        return Answer(None, "; ".join(refusals))

    def _aws_managed(self, home: Place, alias: str) -> Answer:
        """DescribeKey would make the key of such an alias if there is none yet; so the list of aliases is asked."""
        listed = self._aliases.get([home], self._listed)[home]
        if listed.fact is None:
            return listed
        for key_id, names in listed.fact["by_key"].items():
            if alias in names:
                return self._key(home, f"arn:{home.partition}:kms:{home.region}:{home.account_id}:key/{key_id}")
        self._aliases.doubt(home)  # it may make the key at any moment: a later event shall see it
        return Answer(None, "AWS has not made this key yet")

    def _described(self, place: Place, arn: str) -> Answer:
        service = self._sessions.service("kms", place.account_id, place.region)
        key = service.ask("DescribeKey", KeyId=arn)["KeyMetadata"]
        home = place._replace(account_id=key["Arn"].split(":")[4])
        listed = self._aliases.get([home], self._listed)[home]
        aliases = None if listed.fact is None else listed.fact["by_key"].get(key["KeyId"], [])
        return Answer(_fact(key, aliases), listed.reason, listed.refused)

    def _listed(self, homes: Sequence[Place]) -> dict[Place, Answer]:
        return {home: self._aliases_of(home) for home in homes}

    def _aliases_of(self, home: Place) -> Answer:
        by_key: dict[str, list[str]] = {}
        try:
            for page in self._sessions.service("kms", home.account_id, home.region).pages("ListAliases"):
                for alias in page["Aliases"]:
                    by_key.setdefault(alias.get("TargetKeyId", ""), []).append(alias["AliasName"])
        except Denied as denied:
            return Answer(None, f"its aliases are not known: {denied}", refused=True)
        return Answer({"by_key": {key_id: sorted(names) for key_id, names in by_key.items() if key_id}})


def _fact(key: Mapping[str, Any], aliases: Sequence[str] | None) -> dict[str, Any]:
    return {
        "manager": key.get("KeyManager"),
        "arn": key["Arn"],
        "account_id": key["Arn"].split(":")[4],
        "state": key.get("KeyState"),
        "aliases": aliases,
    }


def _gone(home: Place) -> dict[str, Any]:
    """A key that is not there: known to be gone, and by that nothing else is known of it."""
    return {"manager": None, "arn": None, "account_id": home.account_id, "state": "gone", "aliases": None}
