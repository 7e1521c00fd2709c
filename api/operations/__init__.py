"""What was published, from which loads, with which findings, how fresh."""
