"""Real clients read real servers: `server` sends `scenarios`, and `clients` read them."""
