"""What devices printed, as transcripts, and what is to be read from each. Data; ships with the package."""
