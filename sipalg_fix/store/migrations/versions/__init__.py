"""One module a migration, named by its number. What is released is never edited."""
