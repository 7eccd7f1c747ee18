"""The page: speaks HTTP to the service and imports none of the other rooms."""
