"""What must hold of a report, and the second way to count one."""
