"""The statements that a store sends, and the names of tables in them."""
