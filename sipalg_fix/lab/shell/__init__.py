"""A small POSIX shell over a file system in memory, for virtual routers that are reached by SSH exec."""
