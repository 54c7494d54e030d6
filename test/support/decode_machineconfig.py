"""Writes the file at a path in a MachineConfig to standard output, by this script's own reading.

decode_machineconfig.py PATH < OBJECT    The object in JSON, or in YAML as line by line `key: value`.
"""
import base64
import gzip
import json
import re
import sys
import urllib.parse


def files_of_json(text):
    for file in json.loads(text)["spec"]["config"]["storage"]["files"]:
        yield file["path"], file["contents"]


def files_of_yaml(text):
    """One list of files is all this knows: each begins with its path."""
    path, contents = None, {}
    for line in text.splitlines():
        found = re.match(r"\s*(?:- )?(path|source|compression): (.*)$", line)
        if not found:
            continue
        key, value = found.groups()
        value = json.loads(value) if value.startswith('"') else value
        if key == "path":
            if path is not None:
                yield path, contents
            path, contents = value, {}
        else:
            contents[key] = value
    yield path, contents


def main():
    text = sys.stdin.read()
    files = files_of_json(text) if text.lstrip().startswith("{") else files_of_yaml(text)
    for path, contents in files:
        if path != sys.argv[1]:
            continue
        head, data = contents["source"].split(",", 1)
        assert head.startswith("data:") and head.endswith(";base64"), head
        content = base64.b64decode(urllib.parse.unquote(data), validate=True)
        if contents.get("compression") == "gzip":
            content = gzip.decompress(content)
        sys.stdout.buffer.write(content)
        return
    sys.exit(f"no file at {sys.argv[1]}")


main()
