"""SIP on the network: the probe behind the router, the responder outside, and what the packets show."""
