"""What calls through the gateway may spend (`spend`), and what they used (`usage`)."""
