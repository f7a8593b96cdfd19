"""What plans of actions are made of, where that is more than one module: pure."""
