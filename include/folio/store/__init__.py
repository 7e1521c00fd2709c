"""Where data rests: the server, the schema, the warehouse and the publication."""
