"""The rules that reports must meet, and a second way to count a dump."""
