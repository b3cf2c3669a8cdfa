"""One department: its gateway, its handlers, and the Flower ClientApp around them."""
