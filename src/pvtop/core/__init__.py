"""Basic types that depend only on the standard library: hours, addresses, domains, states, errors."""
