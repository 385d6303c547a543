"""Doctor: is this machine fit, and is this mirror fit, before anybody relies on either."""
