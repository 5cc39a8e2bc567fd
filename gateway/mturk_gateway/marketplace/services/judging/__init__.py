"""Submitted work: reading it, deciding about it, and the review policies that do so by themselves."""
