"""The function behind AWS Config's rules: one invocation → decisions → evaluations. Joins the pure stages with I/O."""
