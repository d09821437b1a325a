"""What people do: operations at stations, picking, the put wall, packing, goods that are missing, orders withdrawn midway."""
