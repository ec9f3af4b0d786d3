"""How a journal of an older version becomes one of today's. Run by alembic, when a journal is opened."""
