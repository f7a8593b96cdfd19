"""AWS on the loopback, for tests and demonstrations: a Lambda execution environment, an organization, AWS Config."""
