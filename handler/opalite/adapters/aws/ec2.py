"""Facts about images: EC2 DescribeImages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from opalite.adapters.aws.cache import Cache, Now
from opalite.ports import Answer, Denied, Place, Sessions

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html: values of the filters of one call.
IDS_PER_CALL = 200
_IMAGE_ID = re.compile(r"ami-[0-9a-f]{8,17}")
_GONE = {"state": "gone", "owner_id": None, "owner_alias": None, "name": None, "created_at": None, "tags": None}


class Images:
    """Asked as the member account, because only what it may see tells what its instances may be made from.

    Whoever may use another account's image may put tags of his own on it, which nobody else sees. So only the owner's tags
    count, and they are asked for as the owner.
    """

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._tags: Cache[tuple[Place, str]] = Cache(now)  # of the owner's place
        self.caches = (self._tags,)

    def fetch(self, place: Place, keys: Sequence[str]) -> dict[str, Answer]:
        """The images by id."""
        answers = {key: Answer(None, "this is not the id of an image") for key in keys if not _IMAGE_ID.fullmatch(key)}
        ids = [key for key in keys if key not in answers]
        try:
            images = self._described(place, ids) if ids else {}
        except Denied as denied:
            return answers | dict.fromkeys(ids, Answer(None, str(denied), refused=True))
        told = {image_id: images[image_id] for image_id in ids if not _is_gone(images.get(image_id))}
        answers |= {image_id: Answer(_GONE) for image_id in ids if image_id not in told}
        return answers | self._complete(place, told)

    def _described(self, place: Place, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """By filter, not by ImageIds: an id that is not there would fail the whole call."""
        service = self._sessions.service("ec2", place.account_id, place.region)
        images: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), IDS_PER_CALL):
            wanted = [{"Name": "image-id", "Values": list(ids[start : start + IDS_PER_CALL])}]
            for page in service.pages("DescribeImages", Filters=wanted, IncludeDeprecated=True, IncludeDisabled=True):
                images |= {image["ImageId"]: image for image in page["Images"]}
        return images

    def _complete(self, place: Place, images: Mapping[str, Mapping[str, Any]]) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        hidden: defaultdict[str, list[str]] = defaultdict(list)  # by owner
        for image_id, image in images.items():
            owner, alias = image.get("OwnerId"), image.get("ImageOwnerAlias")
            if owner == place.account_id:
                answers[image_id] = Answer(_fact(image, _tags(image)))
            elif owner is None or alias is not None:
                reason = f"only {alias or 'its owner'} sees the tags of image {image_id}"
                answers[image_id] = Answer(_fact(image, None), reason)
            else:
                hidden[owner].append(image_id)
        for owner, ids in hidden.items():
            answers |= self._with_owners_tags(place._replace(account_id=owner), ids, images)
        return answers

    def _with_owners_tags(
        self, home: Place, ids: Sequence[str], images: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Answer]:
        found = self._tags.get([(home, image_id) for image_id in ids], self._owners_tags)
        return {
            image_id: Answer(
                _fact(images[image_id], answer.fact and answer.fact["tags"]), answer.reason, answer.refused
            )
            for (_, image_id), answer in found.items()
        }

    def _owners_tags(self, wanted: Sequence[tuple[Place, str]]) -> dict[tuple[Place, str], Answer]:
        """All of one owner."""
        home = wanted[0][0]
        try:
            images = self._described(home, [image_id for _, image_id in wanted])
        except Denied as denied:
            return dict.fromkeys(wanted, Answer(None, f"only the owner sees the tags: {denied}", refused=True))
        hidden = Answer(None, "only the owner sees the tags, and he does not know the image")
        return {
            key: Answer({"tags": _tags(images[key[1]])}) if _owns(home, images.get(key[1])) else hidden
            for key in wanted
        }


def _is_gone(image: Mapping[str, Any] | None) -> bool:
    return image is None or image.get("State") == "deregistered"


def _owns(home: Place, image: Mapping[str, Any] | None) -> bool:
    return image is not None and image.get("OwnerId") == home.account_id


def _tags(image: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in image.get("Tags", ())}


def _fact(image: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "state": image.get("State"),
        "owner_id": image.get("OwnerId"),
        "owner_alias": image.get("ImageOwnerAlias"),
        "name": image.get("Name"),
        "created_at": image.get("CreationDate"),
        "tags": tags,
    }
