"""The strategy in each framework's own idiom: one module for each, which imports its framework and no other."""
