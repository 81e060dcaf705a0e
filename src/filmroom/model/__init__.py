"""What things are: the archive's words, rules and errors. Standard library only; no I/O, no clock, no chance."""
