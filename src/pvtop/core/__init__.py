"""Values and words that need nothing but the standard library: hours, addresses, domains, states, errors."""
