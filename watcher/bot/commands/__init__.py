"""What can be asked of the bot, by noun: each command a function of a transaction and a talk, which gives an answer."""
