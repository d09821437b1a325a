"""Paper: what people stick on things, hold in their hands and open in a spreadsheet, drawn from what the contract shows.

A label is laid out once, in millimetres (`drawing`, `labels`), and drawn three ways: `svg` and `pdf` draw the bars themselves, for
office printers; `zpl` tells a label printer what to draw. `code128` and `datamatrix` know how a text becomes bars and squares. A
`page` is an HTML document that stands alone, and `table` writes the items of any list as CSV. All of it is pure: data in, text or
bytes out.
"""
