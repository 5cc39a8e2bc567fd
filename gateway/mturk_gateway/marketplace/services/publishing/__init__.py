"""HITs: making them, what they are made of, and the states that they go through."""
