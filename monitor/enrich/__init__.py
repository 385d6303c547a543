"""Who is it: device, name, country, network owner, vendor cloud, jurisdiction."""
