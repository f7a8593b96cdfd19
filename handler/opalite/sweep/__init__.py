"""Judging anew what time, data or facts change, without waiting for the resource to change."""
