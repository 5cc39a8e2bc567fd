"""The structures and listings that several operations share: ordered fields, in the order of the recordings."""
