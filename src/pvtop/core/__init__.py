"""Values that need only the standard library: hours, addresses, domains, states, errors."""
