"""Pure maths on arrays and sequences: no connection, file, clock or environment; of Folio only errors."""
