"""One virtual router a platform: in memory, with state and a clock, written from documentation."""
