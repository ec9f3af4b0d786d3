"""Virtual routers behind the real protocols, for learning, rehearsals and tests."""
