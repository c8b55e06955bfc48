"""What each command does, apart from its options and from printing."""
