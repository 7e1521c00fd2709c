"""Local services of an instance: what runs, on which ports, and how it is started, watched and stopped."""
