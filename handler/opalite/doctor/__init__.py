"""Whether a deployment is well: docs/doctor.md. Checks are pure functions over what AWS was asked, through ports."""
