"""The scenarios, by what they are about. Each function's doc text says what it proves."""
