"""template.yaml deployed on the loopback: its stacks in MiniStack, its functions by the true runtime client, extension and layer."""
