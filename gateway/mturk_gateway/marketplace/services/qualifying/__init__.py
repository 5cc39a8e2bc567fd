"""Qualifications: their types, who holds them, who asks for them, and what requirements make of that."""
