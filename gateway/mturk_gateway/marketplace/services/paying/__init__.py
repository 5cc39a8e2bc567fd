"""Money: the books, fees, bonuses, balances."""
