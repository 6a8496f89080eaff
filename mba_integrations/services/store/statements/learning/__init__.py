"""What is learned of past recalls."""
