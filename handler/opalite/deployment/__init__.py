"""What is generated for a deployment: Config rules, roles of the members, runbooks. Pure; `opalite template` writes it."""
