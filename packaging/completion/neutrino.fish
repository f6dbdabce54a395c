# Completion of neutrino for fish.  The program prints it from its own table of commands,
# so that it is never older than the program.
neutrino completion fish 2>/dev/null | source
