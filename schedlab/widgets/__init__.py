"""Widgets only draw: the player and the module that it, the standalone page and the tests share."""
