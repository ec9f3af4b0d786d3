"""Sealing: originals encrypted to public keys (age). Who can make a backup need not be able to read it."""
