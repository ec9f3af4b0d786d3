"""The operator's files and words, read into the model's nouns: inventory, playbook, selection, secrets."""
