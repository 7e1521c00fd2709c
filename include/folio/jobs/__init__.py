"""One function a task (read, call pure code, write), the same for Dags, command line and tests."""
