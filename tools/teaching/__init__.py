"""What a teacher needs: plans, cheat sheets, slides, and a folder for a room without a network."""
