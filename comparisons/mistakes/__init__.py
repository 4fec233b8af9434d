"""Known forms beyond the frameworks' own: mistakes, and conventions that are none; a file for each part of a step."""
