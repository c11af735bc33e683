"""What people brought to tools like this one: their files, their commands, and what should come of it."""
