"""What people tell the bot in conversations: parsed, and run."""
