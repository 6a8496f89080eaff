"""What files of each format say, as Markdown or plain text in parts that know where they stood.

Files of others are read in a process of its own (`apart`), which has limits (`limits`) and can be
ended; what is in it (`reading_process` and the readers) imports neither numpy nor the core's rooms.

| format | read by | why this one |
| --- | --- | --- |
| PDF | pypdfium2 | Chrome's reader in a wheel: fast, and attacked by fuzzers every day |
| HTML | selectolax | the tree a browser makes, by the C parser Lexbor |
| XLSX, XLSM, XLSB, ODS | python-calamine | a reader in Rust; openpyxl needs twenty times as long |
| DOCX, PPTX | zipfile, lxml | python-docx passes over content controls and text boxes |
| CSV, notebooks | csv, json | |
| any encoding | charset-normalizer | comes with tiktoken |

tree-sitter is not used: the package with all grammars fetches them from the network at run time,
and one package for each language has its own names for what a definition is.
"""
