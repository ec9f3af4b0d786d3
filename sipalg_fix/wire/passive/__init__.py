"""Listening without sending: SIP out of captures, logs and HEP streams, and what it shows of each address."""
