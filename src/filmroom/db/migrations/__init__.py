"""How each version of the schema comes from the one before. A migration that was released is never changed."""
