"""How a resource is read afresh from AWS: a module per kind, shared by actions."""
