"""The steps put together: the plan, an hour, a batch, status and audit."""
