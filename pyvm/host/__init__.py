"""What stands around a command: arguments, environment, files, standard input, clock and chance."""
