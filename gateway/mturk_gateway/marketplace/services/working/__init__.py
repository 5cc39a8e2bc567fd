"""What workers do and see."""
