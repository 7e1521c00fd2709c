"""A local HTTP server that speaks the providers' wire formats, from demo data or recorded payloads."""
