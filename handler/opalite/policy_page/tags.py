"""What the catalog tags of shipped policies stand for. Pure."""

from __future__ import annotations

MEANINGS = {
    "backup": "what was lost can be restored",
    "baseline": "what nearly every organization wants at once: it guards against what nobody can undo later, and needs no settings",
    "cost": "nobody pays for what nobody uses, and it is known who pays",
    "encryption": "data at rest is encrypted, by default with a key of the organization's own",
    "identity": "credentials and permissions do not get into other hands",
    "images": "machines and containers start from images that were vetted or scanned",
    "logging": "who did what is recorded, and stays so",
    "network": "what may come in over the network",
    "patching": "software still gets its fixes",
    "public-access": "nothing is open to everybody",
    "resilience": "mistakes and outages do no lasting damage",
    "tagging": "resources say by their tags whose they are",
    "transport": "data under way is encrypted",
}


def meaning(tag: str) -> str:
    """Nothing for a tag of somebody's own."""
    return MEANINGS.get(tag, "")
