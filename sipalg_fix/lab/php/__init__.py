"""``php -r`` in memory, as far as the short scripts go that are sent to a firewall."""
