"""The legacy Amazon Mechanical Turk Requester API, as data and pure functions.

No module here does input or output, or knows the time, chance or the environment.
"""
