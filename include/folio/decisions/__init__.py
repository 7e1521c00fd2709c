"""What to do about the figures: orders that rebalance, and advice in words."""
