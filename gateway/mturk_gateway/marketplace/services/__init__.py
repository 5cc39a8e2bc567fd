"""The rules of the marketplace. Time is an argument; each operation is a function of a `Call`, see `operations.py`."""
