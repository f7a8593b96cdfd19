"""Bringing resources back to compliance: a function of its own, and `opalite remediate`."""
