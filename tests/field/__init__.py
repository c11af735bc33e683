"""What people brought to tools like this one, case by case: each test reads like the report it comes from."""
