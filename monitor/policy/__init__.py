"""Policy: which rule decides about a contact, and why. Pure, so the past can be judged again."""
