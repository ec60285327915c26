"""Text for people: a value in, text out."""
