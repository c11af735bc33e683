"""XML with a document type, as editing programs want it."""

from xml.etree import ElementTree as ET


def document(root: ET.Element) -> str:
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {root.tag}>\n{ET.tostring(root, encoding="unicode")}\n'
