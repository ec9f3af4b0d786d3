"""SIP messages as values: build, read, and say what became of one on its way."""
