"""What a head does, in numbers and words."""
