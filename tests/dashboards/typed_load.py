"""Loads dashboards with the types of grafana-foundation-sdk and names what the types do not keep.

    typed_load.py FILE...

A field that Grafana does not know is ignored by Grafana and by these types alike. So each dashboard is
read into the types, written out again and compared: a field that is missing afterwards or has another
value is a misspelt or misplaced one. The types add defaults; those are no loss.

Exit status: 0 nothing lost, 1 something lost or not loadable, 2 usage, 3 the package is not there.
"""

import json
import sys

try:
    from grafana_foundation_sdk.cog import runtime
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import dashboard as dashboards
except ModuleNotFoundError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

# What Grafana knows and the types leave out.
NOT_TYPED = {
    # The Prometheus data source reads these from an annotation.
    "annotations.list[].step",
    "annotations.list[].tagKeys",
    "annotations.list[].textFormat",
    "annotations.list[].titleFormat",
    "annotations.list[].useValueForTime",
}


def losses(before, after, path=""):
    """Paths of what `before` says and `after` does not."""
    if isinstance(before, dict):
        if not isinstance(after, dict):
            yield path
            return
        for key, value in before.items():
            below = f"{path}.{key}" if path else key
            if key in after:
                yield from losses(value, after[key], below)
            elif value is not None:
                yield below
    elif isinstance(before, list):
        if not isinstance(after, list) or len(before) != len(after):
            yield path
            return
        for one, other in zip(before, after):
            yield from losses(one, other, f"{path}[]")
    elif before != after:
        yield f"{path} ({before!r} became {after!r})"


def unknown_types(dashboard):
    """Panels and queries of a kind for which there are no types, so that nothing was checked."""
    for panel in dashboard.get("panels", []):
        if panel["type"] != "row" and runtime.panelcfg_config(panel["type"]) is None:
            yield f"type of the panel {panel.get('title')!r}: {panel['type']}"
        for target in panel.get("targets", []):
            if isinstance(runtime.dataquery_from_json(target, ""), runtime.UnknownDataquery):
                yield f"data source of a query of the panel {panel.get('title')!r}"


def main(files):
    """Checks every file and returns the exit status."""
    if not files:
        print(__doc__, file=sys.stderr)
        return 2
    register_default_plugins()
    status = 0
    for file in files:
        with open(file, encoding="utf-8") as text:
            before = json.load(text)
        try:
            typed = dashboards.Dashboard.from_json(before)
            after = json.loads(json.dumps(typed, cls=JSONEncoder))
        except Exception as error:  # whatever the generated code raises, the file is at fault
            print(f"{file}: cannot be loaded: {type(error).__name__}: {error}")
            status = 1
            continue
        for lost in sorted(set(losses(before, after)) - NOT_TYPED):
            print(f"{file}: lost: {lost}")
            status = 1
        for unknown in unknown_types(before):
            print(f"{file}: unknown: {unknown}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
