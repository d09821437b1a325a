"""What happens at one running demo site, which all of these tests share."""
