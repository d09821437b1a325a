"""The site file: one YAML tree that describes links, devices, locations, road map and stations, typed and cross-checked."""
