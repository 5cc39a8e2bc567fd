"""Lists in pages: their tokens, and what changed in them."""
