"""Behaviour of the engine, shown on a toy device behind in-memory ports."""
