"""What only a frozen script holds: its entry, and stand-ins for libraries that it must not need."""
