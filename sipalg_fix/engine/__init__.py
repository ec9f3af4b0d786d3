"""The verbs. The engine opens nothing: connections, clock, journal and executor are handed to it."""
