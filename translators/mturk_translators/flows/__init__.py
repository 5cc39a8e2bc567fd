"""What takes more than one modern call, as generators: they yield calls and are sent replies."""
