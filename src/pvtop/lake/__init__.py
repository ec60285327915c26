"""Our side: where reports lie, and how they are written and read back."""
