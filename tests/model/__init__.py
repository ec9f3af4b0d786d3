"""The nouns: what they mean, how they are written down, and that what was written can be believed."""
