"""The command line: words in, one engine verb, a report out. Nothing heavy is imported before it is used."""
