"""What Prometheus reads: requests, recalls, and the state of the service when it is asked."""
