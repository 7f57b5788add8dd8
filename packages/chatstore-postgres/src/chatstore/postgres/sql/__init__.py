"""The statements that a store sends, and how names of tables get into them."""
