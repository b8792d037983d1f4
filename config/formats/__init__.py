"""How values look where nobody says otherwise (Django: FORMAT_MODULE_PATH)."""
