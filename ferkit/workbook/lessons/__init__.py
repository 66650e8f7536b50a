"""Tables and helper steps of single notebooks, a module for each."""
