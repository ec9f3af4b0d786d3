"""
Transports: the only code that talks to devices.

``connections`` opens sessions and is what the rest of the program sees; a session holds one line for each
access that is used. ``ssh_cli``, ``ssh_exec``, ``routeros_api`` and ``https_json`` are the lines;
``ssh_client`` and ``tls`` make sure of the device before anything secret is said to it, by what
``ssh_keys`` remembers. A library for one kind of device is imported when the first line of that kind is
opened, and not before.
"""
