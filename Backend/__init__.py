"""The service: composes Model and Data, and speaks HTTP."""
