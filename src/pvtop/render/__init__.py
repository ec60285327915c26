"""For people: a value in, text out."""
