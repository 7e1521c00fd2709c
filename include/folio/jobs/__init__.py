"""One function a task: read, call pure code, write; the Dags, the command line and the tests call the same one."""
