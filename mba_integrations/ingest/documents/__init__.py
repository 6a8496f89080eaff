"""Documents: the text of files in pieces that an answer can cite, and the files of a folder."""
