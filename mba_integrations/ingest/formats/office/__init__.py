"""Word files, presentations and workbooks: a zip of XML parts that refer to each other."""
