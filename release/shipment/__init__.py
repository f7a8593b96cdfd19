"""What makes a release: the checks before it, what is built, and what is said of it. See docs/release.md."""
