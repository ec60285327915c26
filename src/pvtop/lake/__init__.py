"""Where reports are stored, and how they are written and read back."""
