"""Virtual routers: devices that are not there, behind the real protocols, for learning, rehearsals and tests."""
