"""Builds watcher/data/counties.csv from the county names of us-atlas and the legal types that it leaves out.

npm pack us-atlas && tar xzf us-atlas-*.tgz
python tools/build_places.py package/counties-10m.json > watcher/data/counties.csv
"""  # noqa: INP001 - a script of its own

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

STATES_THEMSELVES = {"11001", "66010"}
"""The District of Columbia and Guam: one county-equivalent each, the same identity as the state."""

TYPE_BY_STATE = {
    "22": "Parish",
    "60": "District",
    "69": "Municipality",
    "72": "Municipio",
    "78": "Island",
}

FIRST_INDEPENDENT_CITY = 510
CITY_STATES = {"24", "29", "32", "51"}

ALASKA = {
    "Borough": "013 060 068 090 100 122 130 150 164 170 185 188 195",
    "Census Area": "016 050 063 066 070 105 158 180 198 201 232 240 261 280 290",
    "City and Borough": "110 220 275 282",
    "Municipality": "020 230",
}

ADDED = {
    # Alaska: two areas made in 2019, and those that were split up, which old reports still name.
    "02063": "Chugach",
    "02066": "Copper River",
    "02201": "Prince of Wales-Outer Ketchikan",
    "02232": "Skagway-Hoonah-Angoon",
    "02280": "Wrangell-Petersburg",
    # Connecticut: the regions that stand in for its counties since 2022. The counties stay.
    "09110": "Capitol",
    "09120": "Greater Bridgeport",
    "09130": "Lower Connecticut River Valley",
    "09140": "Naugatuck Valley",
    "09150": "Northeastern Connecticut",
    "09160": "Northwest Hills",
    "09170": "South Central Connecticut",
    "09180": "Southeastern Connecticut",
    "09190": "Western Connecticut",
    "60030": "Rose Island",
    "60040": "Swains Island",
}

ALSO = {
    "02158": "Wade Hampton",  # renamed in 2015
    "06037": "L.A.",
    "12086": "Dade",  # renamed in 1997
    "36005": "The Bronx",
    "36047": "Brooklyn",
    "36061": "Manhattan",
    "36085": "Staten Island",
    "46102": "Shannon",  # renamed in 2015
}


def legal_type(fips: str) -> str:
    """What the county or its equivalent with this code is called by law."""
    state, number = fips[:2], fips[2:]
    if state == "02":
        return next(name for name, numbers in ALASKA.items() if number in numbers.split())
    if fips in ADDED and state == "09":
        return "Planning Region"
    if state in CITY_STATES and int(number) >= FIRST_INDEPENDENT_CITY:
        return "city"
    return TYPE_BY_STATE.get(state, "County")


def main(atlas: Path) -> None:
    """Write the table for the topology file `atlas` to standard output."""
    geometries = json.loads(atlas.read_text(encoding="utf-8"))["objects"]["counties"]["geometries"]
    names = {shape["id"]: shape["properties"]["name"] for shape in geometries} | ADDED
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("fips", "name", "type", "also"))
    for fips in sorted(names.keys() - STATES_THEMSELVES):
        out.writerow((fips, names[fips], legal_type(fips), ALSO.get(fips, "")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
