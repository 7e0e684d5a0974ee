"""Policy, plan, apply, undo; and reading back what was changed."""
