"""Find SIP ALG on routers, switch it off safely, and prove that it is off."""

__version__ = "0.1.0"
